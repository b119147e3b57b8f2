// Programs that are one task. They make their own loop, on the machine's own network and clock.

#include <app/captured_log.hpp>

#include <cetane/app/run.hpp>
#include <cetane/app/service.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/net/connect.hpp>

#include <os/socket.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace run_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

task<> wait_for_ever(int& alive) {
  const scope_exit leave([&] { --alive; });
  ++alive;
  co_await sleep(10h);
}

task<> send_and_leave(std::uint16_t port, std::string text) {
  connection c = co_await connect("127.0.0.1", port);
  static_cast<void>(c.send(text));
}

// A server of the old school beside the program: takes one connection and reads all of it, or
// nothing.
class plain_server {
 public:
  plain_server() {
    address bound;
    REQUIRE(os::listen_on(*address::parse_ip("127.0.0.1", 0), {}, listener_) == 0);
    REQUIRE(os::local_address(listener_.get(), bound) == 0);
    port = bound.port();
  }

  void read_all() {
    accept();
    std::string part(64 * 1024, '\0');
    for (;;) {
      pollfd wanted{peer_.get(), POLLIN, 0};
      ::poll(&wanted, 1, -1);
      const ssize_t count = ::read(peer_.get(), part.data(), part.size());
      if (count <= 0) return;
      received.append(part, 0, static_cast<std::size_t>(count));
    }
  }

  void accept() {
    pollfd wanted{listener_.get(), POLLIN, 0};
    ::poll(&wanted, 1, -1);
    os::accept_one(listener_.get(), peer_, nullptr);
  }

  std::uint16_t port = 0;
  std::string received;

 private:
  unique_fd listener_;
  unique_fd peer_;
};

}  // namespace

TEST_CASE("a program that is one task ends with it", "[app][run][not-sim]") {
  std::string said;
  const auto say = [](std::string& to, const std::string& text, int times) -> task<> {
    for (int i = 0; i < times; ++i) {
      to += text;
      co_await sleep(1ms);
    }
  };

  REQUIRE(run(say, std::ref(said), "ho ", 3) == 0);
  REQUIRE(said == "ho ho ho ");
}

TEST_CASE("a program that is one task may give its status", "[app][run][not-sim]") {
  const auto seven = []() -> task<int> { co_return 7; };

  REQUIRE(run(seven) == 7);
}

TEST_CASE("a program that an exception ends says why, once, and has status 1",
          "[app][run][not-sim]") {
  const captured_log log;
  const auto fail = []() -> task<> {
    co_await sleep(1ms);
    throw std::runtime_error("the door is shut");
  };

  REQUIRE(run(fail) == 1);
  REQUIRE(log.of(log::level::error) == std::vector<std::string>{"the door is shut"});
}

TEST_CASE("Ctrl-C cancels the one task of a program, whose status then tells of it",
          "[app][run][not-sim]") {
  int alive = 0;
  const auto interrupted = [](int& count, int number) -> task<> {
    ::raise(number);
    co_await wait_for_ever(count);
  };

  REQUIRE(run(interrupted, std::ref(alive), SIGINT) == 130);
  REQUIRE(run(interrupted, std::ref(alive), SIGTERM) == 143);
  REQUIRE(alive == 0);
}

TEST_CASE("a program that takes Ctrl-C for its end has status 0", "[app][run][not-sim]") {
  const auto interrupted = []() -> task<> {
    ::raise(SIGINT);
    try {
      co_await sleep(10h);
    } catch (const cancelled&) {
    }
  };

  REQUIRE(run(interrupted) == 0);
}

TEST_CASE("what the one task has spawned ends with it", "[app][run][not-sim]") {
  int alive = 0;
  const auto parent = [](int& count) -> task<> {
    spawn(wait_for_ever, std::ref(count));
    co_await yield();
  };

  REQUIRE(run(parent, std::ref(alive)) == 0);
  REQUIRE(alive == 0);
}

TEST_CASE("a connection that the one task has closed is flushed before the program ends",
          "[app][run][not-sim]") {
  plain_server server;
  std::thread reader([&] { server.read_all(); });
  const std::string text(5'000'000, 'x');

  const int status = run(send_and_leave, server.port, text);
  reader.join();

  REQUIRE(status == 0);
  REQUIRE(server.received == text);
}

TEST_CASE("a peer that takes nothing keeps a program for a limited time only",
          "[app][run][not-sim]") {
  ::setenv("CETANE_DRAIN", "20ms", 1);
  const scope_exit restore([] { ::unsetenv("CETANE_DRAIN"); });
  plain_server server;
  const auto begin = std::chrono::steady_clock::now();

  const int status = run(send_and_leave, server.port, std::string(20'000'000, 'x'));

  REQUIRE(status == 0);
  REQUIRE(std::chrono::steady_clock::now() - begin >= 1020ms);  // a second for the last bytes
}

TEST_CASE("a second signal ends a program at once", "[app][run][not-sim]") {
  plain_server server;
  const auto busy = [](std::uint16_t port) -> task<> {
    co_await send_and_leave(port, std::string(20'000'000, 'x'));
    ::raise(SIGINT);
    ::raise(SIGTERM);
  };

  REQUIRE(run(busy, server.port) == 143);
}

TEST_CASE("a program whose environment is not understood does not start", "[app][run][not-sim]") {
  ::setenv("CETANE_BACKEND", "carrier pigeon", 1);
  const scope_exit restore([] { ::unsetenv("CETANE_BACKEND"); });
  bool begun = false;
  const auto begin = [](bool& seen) -> task<> {
    seen = true;
    co_return;
  };

  REQUIRE(run(begin, std::ref(begun)) == 2);
  REQUIRE_FALSE(begun);
}

TEST_CASE("what the environment says of serving is nothing to a program that does not serve",
          "[app][run][not-sim]") {
  ::setenv("CETANE_PORT", "eighty", 1);
  ::setenv("CETANE_WORKERS", "8", 1);
  const scope_exit restore([] {
    ::unsetenv("CETANE_PORT");
    ::unsetenv("CETANE_WORKERS");
  });
  const auto nothing = []() -> task<> { co_return; };

  REQUIRE(run(nothing) == 0);
}

}  // namespace run_test
