// Descriptors that go over a Unix socket with bytes.
#include <net/net_fixture.hpp>
#include <os/passed_descriptors.hpp>
#include <os/socket.hpp>
#include <support/cancel_everywhere.hpp>
#include <support/forwarding_backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/os/process.hpp>

#include <fmt/format.h>

#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace descriptors_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

address own_name() { return address::unix_path(fmt::format("@cetane-pass-{}", ::getpid())); }

connection_limits taking(std::size_t count) {
  connection_limits limits;
  limits.passed_descriptors = count;
  return limits;
}

struct fixture {
  explicit fixture(std::size_t limit = 16) : limits(taking(limit)) {}
  explicit fixture(std::unique_ptr<detail::backend> io) : loop(std::move(io)) {}

  connection_limits limits = taking(16);
  test_loop loop;
  connected_pair pair{loop, own_name(), socket_buffers::small, limits};
  connection& here = pair.here;
  connection& there = pair.there;

  template <class T>
  T result(join_handle<T>& of) {
    run_until(loop, [&] { return of.done(); });
    return loop.run([](join_handle<T>& handle) -> task<T> { co_return co_await handle; }, of);
  }

  // As a peer that is not ours: past everything, to the socket.
  void send_raw(std::string_view text, const std::vector<int>& descriptors) {
    const auto sent = os::send_with_descriptors(pair.socket_there(), text, descriptors);
    REQUIRE(sent == static_cast<long>(text.size()));
  }
  std::string reading_throws() {
    return loop.run(
        [](connection& c) -> task<std::string> { co_return co_await thrown_by(read_line(c)); },
        here);
  }
  // Closes both ends.
  void close_all() {
    here.abort();
    there.abort();
    settle(loop);
  }
};

// Tells one open file from all others.
bool is_same_file(int one, int other) {
  struct stat a {};
  struct stat b {};
  REQUIRE(::fstat(one, &a) == 0);
  REQUIRE(::fstat(other, &b) == 0);
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct pipe_ends {
  pipe_ends() { REQUIRE(os::make_pipe(to_read, to_write) == 0); }

  // Whether nobody can write to it any more, wherever.
  bool has_ended() const {
    char byte = 0;
    const ssize_t count = ::read(to_read.get(), &byte, 1);
    REQUIRE((count == 0 || errno == EAGAIN));
    return count == 0;
  }

  unique_fd to_read;
  unique_fd to_write;
};

task<> give(connection& to, int descriptor, std::string text) {
  co_await to.send_descriptor(descriptor, text);
}

}  // namespace

TEST_CASE("what was sent is open at the other end, and closed on exec",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const pipe_ends pipe;

  unique_fd got = net.loop.run(
      [](connection& from, connection& to, int descriptor) -> task<unique_fd> {
        co_await to.send_descriptor(descriptor, "take this\n");
        const std::string line = co_await from.until_eol();
        CHECK(line == "take this\n");
        CHECK(from.waiting_descriptors() == 1);
        co_return from.take_descriptor();
      },
      net.here, net.there, pipe.to_read.get());

  REQUIRE(got);
  CHECK(got.get() != pipe.to_read.get());
  CHECK(is_same_file(got.get(), pipe.to_read.get()));
  CHECK((::fcntl(got.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(net.here.waiting_descriptors() == 0);
}

TEST_CASE("descriptors may be closed as soon as they are sent, and come in order",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const pipe_ends one;
  const pipe_ends other;

  const auto got = net.loop.run(
      [](connection& from, connection& to, const pipe_ends& a,
         const pipe_ends& b) -> task<std::vector<unique_fd>> {
        {
          const unique_fd first(::dup(a.to_read.get()));
          const unique_fd second(::dup(b.to_read.get()));
          const std::array both{first.get(), second.get()};
          std::ignore = to.send_descriptors(both, "two\n");
        }
        co_await to.send("none\n");
        co_await to.send_descriptor(a.to_write.get(), "one\n");
        const std::string two = co_await from.until_eol();
        std::vector<unique_fd> all = from.take_descriptors(2);
        const std::string rest = co_await from.receive(9);
        CHECK(two + rest == "two\nnone\none\n");
        all.push_back(from.take_descriptor());
        co_return all;
      },
      net.here, net.there, one, other);

  REQUIRE(got.size() == 3);
  CHECK(is_same_file(got[0].get(), one.to_read.get()));
  CHECK(is_same_file(got[1].get(), other.to_read.get()));
  CHECK(is_same_file(got[2].get(), one.to_write.get()));
}

TEST_CASE("descriptors keep their place among output that waits",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const pipe_ends pipe;
  const std::string much = pattern(400'000);
  auto sender = net.loop.spawn(
      [](connection& to, const std::string& text, int descriptor) -> task<> {
        std::ignore = to.send(text);
        std::ignore = to.send_descriptor(descriptor, "here it is");
        std::ignore = to.send("small");
        std::ignore = to.send_descriptor(descriptor, "and again");
        co_await to.send(text);
        co_await to.drain();
      },
      std::ref(net.there), std::cref(much), pipe.to_read.get());

  net.loop.run(
      [](connection& from, const std::string& text) -> task<> {
        const std::string first = co_await from.receive(text.size());
        CHECK(first == text);
        // The word's first byte may have come in the same read as what was before it.
        const std::string word = co_await from.receive(10);
        CHECK(word == "here it is");
        from.take_descriptor();
        const std::string more = co_await from.receive(14);
        CHECK(more == "smalland again");
        from.take_descriptor();
        const std::string last = co_await from.receive(text.size());
        CHECK(last == text);
        CHECK(from.waiting_descriptors() == 0);
      },
      net.here, much);
  net.result(sender);
}

TEST_CASE("a slow reader is not sent more descriptors than it may hold",
          "[net][descriptors][plain][not-sim]") {
  fixture net(1);
  const pipe_ends pipe;
  for (int i = 0; i < 50; ++i) net.send_raw("one\n", {pipe.to_read.get()});
  settle(net.loop);
  CHECK(net.here.waiting_descriptors() == 1);

  net.loop.run(
      [](connection& from) -> task<> {
        for (int i = 0; i < 50; ++i) {
          const std::string line = co_await from.until_eol();
          CHECK(line == "one\n");
          for (int pass = 0; pass < 3; ++pass) co_await yield();
          CHECK(from.waiting_descriptors() == 1);
          from.take_descriptor();
        }
      },
      net.here);
}

TEST_CASE("more descriptors than may wait end the input, and none stays open",
          "[net][descriptors][plain][not-sim]") {
  const std::size_t in_one_message = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{5});
  const pipe_ends pipe;
  fixture net(2);
  const std::size_t before = descriptors_of_process();
  auto reader = net.loop.spawn(
      [](connection& c) -> task<std::string> { co_return co_await thrown_by(read_line(c)); },
      std::ref(net.here));
  for (int i = 0; i < 3; ++i)
    net.send_raw("no end ", std::vector<int>(in_one_message, pipe.to_read.get()));

  const std::string why = net.result(reader);
  CHECK_THAT(why, ContainsSubstring("passed_descriptors"));
  CHECK_THAT(why, ContainsSubstring("is 2"));
  CHECK_THAT(why, ContainsSubstring("read a line from"));
  CHECK(net.here.is_closed());
  net.close_all();
  CHECK(descriptors_of_process() == before - 2);
}

TEST_CASE("a process that may have no more descriptors is told so, and none stays open",
          "[net][descriptors][plain][not-sim]") {
  const pipe_ends pipe;
  fixture net(8);
  const std::size_t before = descriptors_of_process();
  net.send_raw("eight\n", std::vector<int>(8, pipe.to_read.get()));
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const unique_fd next(::dup(0));
  const rlimit few{static_cast<rlim_t>(next.get()) + 3, usual.rlim_max};

  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const std::string why = net.reading_throws();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);

  CHECK_THAT(why, ContainsSubstring("too many open files"));
  CHECK(net.here.waiting_descriptors() == 0);
  CHECK(descriptors_of_process() == before + 1);
}

TEST_CASE("descriptors for somebody who has not asked for any are closed by the system",
          "[net][descriptors][plain][not-sim]") {
  fixture net(0);
  pipe_ends pipe;
  const std::size_t before = descriptors_of_process();
  for (int i = 0; i < 5; ++i) net.send_raw("a line\n", std::vector<int>(100, pipe.to_write.get()));
  pipe.to_write.reset();

  net.loop.run(
      [](connection& from) -> task<> {
        for (int i = 0; i < 5; ++i) {
          const std::string line = co_await from.until_eol();
          CHECK(line == "a line\n");
        }
      },
      net.here);
  CHECK(descriptors_of_process() == before - 1);
  CHECK(pipe.has_ended());
  CHECK(net.here.waiting_descriptors() == 0);
  CHECK_THROWS_MATCHES(net.here.take_descriptor(), std::logic_error,
                       MessageMatches(ContainsSubstring("passed_descriptors")));
}

TEST_CASE("descriptors that nobody takes are closed with the connection",
          "[net][descriptors][plain][not-sim]") {
  const bool in_order = GENERATE(true, false);
  fixture net;
  pipe_ends pipe;
  net.send_raw("two\n", {pipe.to_write.get(), pipe.to_write.get()});
  settle(net.loop);
  REQUIRE(net.here.waiting_descriptors() == 2);
  pipe.to_write.reset();
  REQUIRE_FALSE(pipe.has_ended());

  if (in_order) {
    net.here.close();
  } else {
    net.here.abort();
  }
  CHECK(pipe.has_ended());
  CHECK(net.here.waiting_descriptors() == 0);
  CHECK_THROWS_AS(net.here.take_descriptor(), connection_closed);
}

TEST_CASE("a connection that closes takes no descriptors any more",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  pipe_ends pipe;
  net.here.close();
  net.send_raw("too late\n", {pipe.to_write.get()});
  pipe.to_write.reset();
  settle(net.loop);

  CHECK(pipe.has_ended());
}

TEST_CASE("fewer descriptors than were agreed on are an error, and stay",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  net.send_raw("two\n", {0});
  settle(net.loop);

  CHECK_THROWS_MATCHES(net.here.take_descriptors(2), error,
                       MessageMatches(ContainsSubstring("take 2 descriptors from unix:") &&
                                      ContainsSubstring("1 came with what was read")));
  CHECK(net.here.waiting_descriptors() == 1);
  CHECK(net.here.take_descriptors(0).empty());
  CHECK(net.here.take_descriptors(1).size() == 1);
}

TEST_CASE("a line that is too long leaves its descriptors", "[net][descriptors][plain][not-sim]") {
  fixture net;
  net.send_raw("this is too long\nnext\n", {0});

  net.loop.run(
      [](connection& from) -> task<> {
        const std::string why = co_await thrown_by(from.until_eol(5));
        CHECK_THAT(why, ContainsSubstring("5"));
        const std::string next = co_await from.until_eol();
        CHECK(next == "next\n");
        CHECK(from.waiting_descriptors() == 1);
      },
      net.here);
}

TEST_CASE("the rest of a line that is too long is dropped across messages with descriptors",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  auto reader = net.loop.spawn(
      [](connection& from) -> task<std::string> {
        const std::string why = co_await thrown_by(from.until_eol(5));
        CHECK_THAT(why, ContainsSubstring("5"));
        co_return co_await from.until_eol();
      },
      std::ref(net.here));
  for (const char* part : {"much too", " much ", "and more\n", "next\n"}) {
    net.send_raw(part, {0});
    settle(net.loop);
  }

  CHECK(net.result(reader) == "next\n");
  CHECK(net.here.waiting_descriptors() == 4);
}

TEST_CASE("as many descriptors as the system takes go at once",
          "[net][descriptors][plain][not-sim]") {
  fixture net(most_passed_descriptors);
  const std::vector<int> many(most_passed_descriptors, 0);
  net.loop.run(
      [](connection& from, connection& to, const std::vector<int>& all) -> task<> {
        co_await to.send_descriptors(all, "all\n");
        const std::string line = co_await from.until_eol();
        CHECK(line == "all\n");
        CHECK(from.take_descriptors(all.size()).size() == all.size());
      },
      net.here, net.there, many);
}

TEST_CASE("descriptors that wait to be sent are closed when the connection is reset",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  pipe_ends pipe;
  const std::string much = pattern(400'000);
  auto sender = net.loop.spawn(
      [](connection& to, const std::string& text, int descriptor) -> task<std::string> {
        std::ignore = to.send(text);
        co_return co_await thrown_by(to.send_descriptor(descriptor, "x"));
      },
      std::ref(net.there), std::cref(much), pipe.to_write.get());
  settle(net.loop);
  REQUIRE_FALSE(sender.done());
  pipe.to_write.reset();
  REQUIRE_FALSE(pipe.has_ended());

  SECTION("here") { net.there.abort(); }
  SECTION("by the peer") { net.here.abort(); }
  CHECK_THAT(net.result(sender), ContainsSubstring("send to unix:"));
  CHECK(pipe.has_ended());
}

TEST_CASE("a send of descriptors that is cancelled takes nothing back",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const std::string much = pattern(400'000);
  std::ignore = net.there.send(much);
  auto sender = net.loop.spawn(give, std::ref(net.there), 0, "here it is\n");
  settle(net.loop);
  REQUIRE_FALSE(sender.done());
  sender.cancel();
  settle(net.loop);
  REQUIRE(sender.done());

  net.loop.run(
      [](connection& from, std::size_t size) -> task<> {
        const std::string all = co_await from.receive(size);
        const std::string line = co_await from.until_eol();
        CHECK(line == "here it is\n");
        CHECK(from.take_descriptor());
      },
      net.here, much.size());
}

TEST_CASE("descriptors that were taken outlive the connection",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const pipe_ends pipe;
  net.send_raw("x", {pipe.to_read.get()});
  settle(net.loop);
  const unique_fd taken = net.here.take_descriptor();
  net.close_all();

  CHECK(is_same_file(taken.get(), pipe.to_read.get()));
}

TEST_CASE("a child process has no descriptor that is on its way",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const pipe_ends coming;
  const pipe_ends going;
  net.send_raw("x", {coming.to_write.get()});
  settle(net.loop);
  REQUIRE(net.here.waiting_descriptors() == 1);
  const std::string much = pattern(400'000);
  std::ignore = net.here.send(much);
  std::ignore = net.here.send_descriptor(going.to_write.get(), "x");
  settle(net.loop);

  const int found = net.loop.run([&]() -> task<int> {
    co_return fork_process([&] {
      int same = 0;
      for (int number = 3; number < 200; ++number) {
        struct stat facts {};
        if (::fstat(number, &facts) != 0) continue;
        if (is_same_file(number, coming.to_write.get())) ++same;
        if (is_same_file(number, going.to_write.get())) ++same;
      }
      return same;
    })
        .wait()
        .number();
  });
  CHECK(found == 4);  // the test's own
}

TEST_CASE("mistakes in sending descriptors are told at the call",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const std::size_t before = descriptors_of_process();
  const std::vector<int> many(most_passed_descriptors + 1, 0);
  const std::array bad{0, -1};

  CHECK_THROWS_AS(net.here.send_descriptor(0, ""), std::invalid_argument);
  CHECK_THROWS_AS(net.here.send_descriptors(many, "x"), std::invalid_argument);
  CHECK_THROWS_MATCHES(net.here.send_descriptors(bad, "x"), error,
                       MessageMatches(ContainsSubstring("send descriptors to unix:@cetane-pass") &&
                                      ContainsSubstring("bad file descriptor")));
  CHECK(descriptors_of_process() == before);
}

TEST_CASE("after the end of the output descriptors are refused",
          "[net][descriptors][plain][not-sim]") {
  fixture net;
  const std::size_t before = descriptors_of_process();
  const std::string why = net.loop.run(
      [](connection& to) -> task<std::string> {
        co_await to.send_eof();
        co_return co_await thrown_by(to.send_descriptor(0, "x"));
      },
      net.here);
  CHECK_THAT(why, ContainsSubstring("send to unix:"));
  CHECK(descriptors_of_process() == before);
}

TEST_CASE("descriptors that the system does not pass break the connection, and it says why",
          "[net][descriptors][plain][not-sim]") {
  class full_system final : public forwarding_backend {
   public:
    full_system() : forwarding_backend(make_test_backend()) {}
    ssize_t write_with(detail::stream_io&, std::string_view,
                       std::span<const int>) noexcept override {
      return -ETOOMANYREFS;
    }
  };
  fixture net(std::make_unique<full_system>());
  const std::size_t before = descriptors_of_process();
  const std::string why = net.loop.run(
      [](connection& to) -> task<std::string> {
        co_return co_await thrown_by(to.send_descriptor(0, "x"));
      },
      net.there);
  CHECK_THAT(why, ContainsSubstring("send to unix:"));
  CHECK_THAT(why, ContainsSubstring("too many references"));
  CHECK(net.there.is_closed());
  CHECK(descriptors_of_process() == before);
}

TEST_CASE("only a Unix socket carries descriptors, and not over TLS",
          "[net][descriptors][not-sim]") {
  net_fixture tcp;
  CHECK_THROWS_MATCHES(tcp.here.send_descriptor(0, "x"), std::logic_error,
                       MessageMatches(ContainsSubstring("only Unix sockets")));
  CHECK_THROWS_MATCHES(tcp.here.take_descriptor(), std::logic_error,
                       MessageMatches(ContainsSubstring("only Unix sockets")));

  fixture net;
  if (over_tls()) {
    make_secure(net.loop, net.here, net.there);
    CHECK_THROWS_MATCHES(net.here.send_descriptor(0, "x"), std::logic_error,
                         MessageMatches(ContainsSubstring("TLS")));
    CHECK_THROWS_MATCHES(net.here.take_descriptor(), std::logic_error,
                         MessageMatches(ContainsSubstring("TLS")));
  }
  deliver(net.loop, net.there, "hello\n");
  CHECK(net.loop.run(read_line, net.here) == "hello\n");
}

TEST_CASE("a simulated network refuses descriptors", "[net][descriptors][plain][not-epoll]") {
  fixture net;
  CHECK_THROWS_MATCHES(net.here.send_descriptor(0, "x"), std::logic_error,
                       MessageMatches(ContainsSubstring("simulated")));
  CHECK_THROWS_MATCHES(net.here.take_descriptor(), std::logic_error,
                       MessageMatches(ContainsSubstring("simulated")));
  CHECK(net.here.waiting_descriptors() == 0);
}

namespace {

// An end of a pair that no listener has made, so that it can be made within a task.
connection open_end(event_loop& loop, unique_fd socket, const connection_limits& limits) {
  auto made = std::make_unique<detail::stream>(loop, limits);
  REQUIRE(loop.io().take_over(socket.get()) == 0);
  REQUIRE(made->open(socket.release(), own_name()) == 0);
  return connection(*made.release());
}

task<> give_three_times(stage& on, connection& to, const std::string& much) {
  const stage::presence here(on);
  const std::array both{0, 0};
  for (int i = 0; i < 3; ++i) {
    co_await to.send_descriptors(both, "two\n");
    co_await to.send(much);
    co_await yield();
  }
}

}  // namespace

TEST_CASE("descriptors that are under way when a task is cancelled at any moment are closed",
          "[net][cancel_everywhere][descriptors][plain][not-sim]") {
  const std::string much = pattern(300'000);
  static const connection_limits limits = taking(4);
  const std::size_t moments = cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    unique_fd one;
    unique_fd other;
    REQUIRE(os::make_socket_pair(one, other) == 0);
    connection from = open_end(on.loop, std::move(one), limits);
    connection to = open_end(on.loop, std::move(other), limits);
    co_await with_group([&](group& g) -> task<> {
      g.spawn(give_three_times, std::ref(on), std::ref(to), std::cref(much));
      for (int i = 0; i < 3; ++i) {
        const std::string line = co_await from.until_eol();
        co_await yield();
        const std::vector<unique_fd> taken = from.take_descriptors(2);
        const std::string rest = co_await from.receive(much.size());
        CHECK(line == "two\n");
        CHECK(rest == much);
      }
    });
  });
  CHECK(moments > 10);
}

}  // namespace descriptors_test
