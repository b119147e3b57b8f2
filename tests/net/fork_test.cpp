// A child process made inside an event loop.
#include "net_fixture.hpp"

#include <os/socket.hpp>

#include <cetane/conc/sleep.hpp>
#include <cetane/net/readiness.hpp>
#include <cetane/os/process.hpp>
#include <cetane/sync/event.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include <unistd.h>

namespace fork_test {

using namespace cetane;
using namespace cetane::test;

namespace {

int count_open(std::string_view kind) {
  int count = 0;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(one.path(), gone).string();
    if (what.starts_with(kind)) ++count;
  }
  return count;
}

// 0 when this process is in no loop and has neither a loop's descriptors nor a socket.
int what_is_left_of_the_loop() {
  if (event_loop::current() != nullptr) return 1;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(one.path(), gone).string();
    for (const char* part : {"[eventpoll]", "[eventfd]", "[io_uring]", "socket:"}) {
      if (what.find(part) != std::string::npos) return 2;
    }
  }
  return 0;
}

}  // namespace

TEST_CASE("a child process has nothing of the loop that it was forked in", "[net][fork][not-sim]") {
  net_fixture net;

  const int left = net.loop.run(
      []() -> task<int> { co_return fork_process(what_is_left_of_the_loop).wait().number(); });

  CHECK(left == 0);
}

TEST_CASE("a child process has the user's descriptors once, however many tasks wait for them",
          "[net][fork][not-sim]") {
  const int before = count_open("pipe:");  // of whoever runs the tests
  unique_fd read_end, write_end;
  REQUIRE(os::make_pipe(read_end, write_end) == 0);
  test_loop loop;
  const auto wait = [](int descriptor) -> task<> { co_await readable(descriptor); };
  const auto one = loop.spawn(wait, read_end.get()), other = loop.spawn(wait, read_end.get());
  settle(loop);

  child_process child = fork_process([] { return count_open("pipe:"); });

  CHECK(child.wait().number() == before + 2);
}

TEST_CASE("a child process has no socket that is on its way to its owner, or to its end",
          "[net][fork][not-sim]") {
  const int before = count_open("socket:");
  class first_guest final : public detail::accept_sink {
   public:
    explicit first_guest(event_loop& loop) noexcept : loop_(loop) {}
    int sockets_of_child = -1;

   private:
    void on_accept(int descriptor, const address&) noexcept override {
      sockets_of_child = fork_process([] { return count_open("socket:"); }).wait().number();
      loop_.io().close(descriptor, false);
    }
    bool has_room() noexcept override { return sockets_of_child < 0; }
    event_loop& loop_;
  };
  test_loop loop;
  first_guest guest(loop.loop());
  detail::listener listener(loop, guest);
  REQUIRE(listener.open(any_local_port(), {}, 1) == 0);
  int connected = -1;  // which nobody watches
  REQUIRE(loop.loop().io().connect(listener.bound(), nullptr, connected) <= 0);

  run_until(loop, [&] { return guest.sockets_of_child >= 0; });

  CHECK(guest.sockets_of_child == before);
  loop.loop().io().close(connected, false);
}

TEST_CASE("a child process has no socket that another thread's loop opens or closes just then",
          "[net][fork][not-sim]") {
  const int before = count_open("socket:");
  std::atomic<bool> stop = false;
  std::thread other([&] {
    const auto io = make_test_backend();
    while (!stop) {
      int descriptor = -1;
      address bound;
      if (io->listen(any_local_port(), {}, descriptor, bound) == 0) io->close(descriptor, false);
    }
  });
  int most = 0;
  for (int i = 0; i < 50; ++i) {
    const int sockets = fork_process([] { return count_open("socket:"); }).wait().number();
    most = std::max(most, sockets);
  }
  stop = true;
  other.join();

  CHECK(most == before);
}

TEST_CASE("a connection goes on in the parent after a fork", "[net][fork]") {
  net_fixture net;
  CHECK(fork_process([] { return 0; }).wait().success());

  auto line = net.begin(read_line);
  net.arrives("hello\n");

  CHECK(net.result(line) == "hello\n");
}

TEST_CASE("a child that has lived and died takes no timer and no wake-up from its parent",
          "[net][fork][not-sim]") {
  net_fixture net;
  const auto wait_twice = [](event_loop& loop) -> task<int> {
    event called;
    int awake = 0;
    fork_process([] { return 0; }).wait();
    co_await sleep(1ms);
    ++awake;
    std::thread other([&] { loop.post([&] { called.set(); }); });
    co_await called.wait();
    other.join();
    co_return ++awake;
  };

  CHECK(net.loop.run(wait_twice, std::ref(net.loop.loop())) == 2);
}

TEST_CASE("a peer sees the end of a connection although a child lives on", "[net][fork]") {
  net_fixture net;
  child_process child = fork_process([] {
    for (;;) ::pause();
    return 0;
  });

  auto line = net.begin(read_line);
  net.loop.run(
      [](connection& c) -> task<> {
        c.abort();
        co_return;
      },
      net.there);

  CHECK_THROWS_AS(net.result(line), connection_closed);
  child.signal(9);
  child.wait();
}

}  // namespace fork_test
