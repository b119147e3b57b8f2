// Files as output, between messages.

#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/base/errors.hpp>

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace send_file_test {

using namespace cetane;
using namespace cetane::test;

namespace {

struct file_fixture : net_fixture {
  temporary_folder folder;

  // Runs a task that sends, then ends the output, and gives what has arrived.
  template <class Fn>
  std::string sent_by(Fn fn) {
    auto sender = begin(
        [](connection& peer, Fn& send) -> task<> {
          co_await send(peer);
          co_await peer.send_eof();
        },
        std::ref(fn));
    std::string got = loop.run(read_to_end, there);
    result(sender);
    return got;
  }
};

}  // namespace

TEST_CASE_METHOD(file_fixture, "PIPE-2 a file can be sent by its path", "[net][send-file]") {
  const std::string path = folder.write("file", "what is in the file");
  REQUIRE(sent_by([&](connection& peer) -> task<> { co_await peer.send_file(path); }) ==
          "what is in the file");
}

TEST_CASE_METHOD(file_fixture, "a part of a file can be sent", "[net][send-file]") {
  const std::string path = folder.write("file", "0123456789");
  const auto part = [&](std::uint64_t offset, std::uint64_t count) {
    connected_pair other(loop);
    loop.run(
        [&](connection& peer) -> task<> {
          co_await peer.send_file(path, offset, count);
          co_await peer.send_eof();
        },
        other.here);
    return loop.run(read_to_end, other.there);
  };

  REQUIRE(part(3, 4) == "3456");
  REQUIRE(part(3, connection::whole_file) == "3456789");
  REQUIRE(part(0, 100) == "0123456789");
  REQUIRE(part(10, 1).empty());
  REQUIRE(part(11, 1).empty());
  REQUIRE(part(0, 0).empty());
}

TEST_CASE_METHOD(file_fixture, "PIPE-9 files and messages keep their order", "[net][send-file]") {
  const std::string large = pattern(3'000'000);
  const std::string one = folder.write("one", "file one;");
  const std::string two = folder.write("two", large);
  REQUIRE(sent_by([&](connection& peer) -> task<> {
            co_await peer.send("before;");
            std::ignore = peer.send_file(one);
            std::ignore = peer.send("between;");
            std::ignore = peer.send_file(two);
            std::ignore = peer.send(std::string(100'000, '.'));
            co_await peer.send_file(one);
            co_await peer.send("behind");
          }) == "before;file one;between;" + large + std::string(100'000, '.') + "file one;behind");
  REQUIRE(stats().bytes_queued == stats().bytes_sent);
  REQUIRE(stats().bytes_dropped == 0);
}

TEST_CASE_METHOD(file_fixture, "the descriptor may be closed after the call", "[net][send-file]") {
  const std::string text = pattern(2'000'000);
  const std::string path = folder.write("file", text);
  REQUIRE(sent_by([&](connection& peer) -> task<> {
            unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            auto sending = peer.send_file(file.get());
            file.reset();
            co_await sending;
          }) == text);
}

TEST_CASE_METHOD(file_fixture, "the file may be removed while it is sent", "[net][send-file]") {
  const std::string text = pattern(2'000'000);
  const std::string path = folder.write("file", text);
  REQUIRE(sent_by([&](connection& peer) -> task<> {
            auto sending = peer.send_file(path);
            std::filesystem::remove(path);
            co_await sending;
          }) == text);
}

TEST_CASE_METHOD(file_fixture, "sending a file waits until all of it is written",
                 "[net][send-file]") {
  const std::string path = folder.write("file", pattern(2'000'000));
  auto sender = begin(
      [](connection& peer, const std::string& name) -> task<> { co_await peer.send_file(name); },
      std::cref(path));
  settle();
  REQUIRE_FALSE(sender.done());
  REQUIRE(here.queued_bytes() == 0);  // its bytes take no memory

  auto reader = loop.spawn(read_bytes, std::ref(there), std::size_t{2'000'000});
  result(sender);
  REQUIRE(result(reader) == pattern(2'000'000));
}

TEST_CASE_METHOD(file_fixture, "a file that becomes shorter ends early, and the rest goes on",
                 "[net][send-file]") {
  const std::string path = folder.write("file", pattern(3'000'000));
  auto sender = begin(
      [](connection& peer, const std::string& name) -> task<> {
        co_await peer.send_file(name);
        co_await peer.send("behind");
        co_await peer.send_eof();
      },
      std::cref(path));
  settle();
  const std::uint64_t sent = stats().bytes_sent;
  REQUIRE(sent < 3'000'000);
  std::filesystem::resize_file(path, sent + 1000);

  const std::string got = loop.run(read_to_end, there);

  result(sender);
  REQUIRE(got == pattern(sent + 1000) + "behind");
  const loop_stats now = stats();
  REQUIRE(now.bytes_queued == 3'000'006);
  REQUIRE(now.bytes_queued == now.bytes_sent + now.bytes_dropped);
}

TEST_CASE_METHOD(file_fixture, "cancelling the wait for a file takes nothing back",
                 "[net][send-file]") {
  const std::string text = pattern(2'000'000);
  const std::string path = folder.write("file", text);
  auto sender = begin(
      [](connection& peer, const std::string& name) -> task<> { co_await peer.send_file(name); },
      std::cref(path));
  settle();
  sender.cancel();
  REQUIRE_THROWS_AS(result(sender), cancelled);

  auto reader = loop.spawn(read_bytes, std::ref(there), text.size());
  REQUIRE(result(reader) == text);
}

TEST_CASE_METHOD(file_fixture, "a higher priority waits for a file that has begun",
                 "[net][send-file]") {
  const std::string text = pattern(1'500'000);
  const std::string path = folder.write("file", text);
  REQUIRE(sent_by([&](connection& peer) -> task<> {
            std::ignore = peer.send_file(path);
            co_await sleep(1ms);
            std::ignore = peer.send("usual");
            std::ignore = peer.send(priority(9), "high,");
            co_await peer.drain();
          }) == text + "high,usual");
}

TEST_CASE_METHOD(file_fixture, "what is no regular file is refused by the call",
                 "[net][send-file]") {
  REQUIRE_THROWS_AS(here.send_file(folder.path_of("missing")), error);
  REQUIRE_THROWS_AS(here.send_file("/dev/null"), error);
  REQUIRE(::mkfifo(folder.path_of("fifo").c_str(), 0600) == 0);
  REQUIRE_THROWS_AS(here.send_file(folder.path_of("fifo")), error);
  REQUIRE_THROWS_AS(here.send_file(-1), error);
  REQUIRE(stats().bytes_queued == 0);
}

TEST_CASE_METHOD(file_fixture, "a path with a zero byte is not that of the file before it",
                 "[net][send-file]") {
  const std::string path = folder.write("public", "text");
  using namespace std::string_literals;

  REQUIRE_THROWS_AS(here.send_file(path + "\0.png"s), error);
  REQUIRE(stats().bytes_queued == 0);
}

TEST_CASE("a file that the socket takes without end leaves the loop to others",
          "[net][send-file][not-epoll]") {
  net_fixture net(make_sim_backend(sim_options(test_seed()).set_capacity(16'000'000)));
  const temporary_folder folder;
  const std::string path = folder.write("file", pattern(8'000'000));
  int turns = 0;
  auto other = net.begin(
      [](connection&, int& count) -> task<> {
        for (;; ++count) co_await yield();
      },
      std::ref(turns));
  auto sender = net.begin(
      [](connection& peer, const std::string& name) -> task<> { co_await peer.send_file(name); },
      std::cref(path));

  net.result(sender);
  REQUIRE(turns > 20);

  other.cancel();
  auto reader = net.loop.spawn(read_bytes, std::ref(net.there), std::size_t{8'000'000});
  REQUIRE(net.result(reader) == pattern(8'000'000));
}

}  // namespace send_file_test
