#include "os/signals.hpp"

#include <catch2/catch_test_macros.hpp>

#include <csignal>
#include <initializer_list>
#include <memory>

#include <poll.h>

namespace signals_test {

using cetane::os::signal_watcher;

namespace {

bool is_blocked(int number) {
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return ::sigismember(&now, number) == 1;
}

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a watched signal is read instead of striking", "[os][signals]") {
  signal_watcher watcher({SIGTERM, SIGUSR1});
  CHECK_FALSE(is_readable(watcher.fd()));
  CHECK(watcher.next() == 0);

  std::raise(SIGTERM);  // would end the test

  CHECK(is_readable(watcher.fd()));
  CHECK(watcher.next() == SIGTERM);
  CHECK(watcher.next() == 0);
}

TEST_CASE("several signals are read one by one", "[os][signals]") {
  signal_watcher watcher({SIGTERM, SIGUSR1});

  std::raise(SIGTERM);
  std::raise(SIGUSR1);

  const int first = watcher.next();
  const int second = watcher.next();
  CHECK(first + second == SIGTERM + SIGUSR1);
  CHECK(first != second);
  CHECK(watcher.next() == 0);
}

TEST_CASE("NEW-30 a signal that comes again and again never strikes", "[os][signals]") {
  signal_watcher watcher({SIGTERM, SIGUSR1});

  for (int i = 0; i < 3; ++i) {
    std::raise(SIGUSR1);  // would end the test
    std::raise(SIGUSR1);
    CHECK(watcher.next() == SIGUSR1);
    CHECK(watcher.next() == 0);  // the system keeps one of a kind
  }
}

TEST_CASE("after the watcher the signals are as before", "[os][signals]") {
  REQUIRE_FALSE(is_blocked(SIGUSR1));
  {
    signal_watcher watcher({SIGUSR1});
    CHECK(is_blocked(SIGUSR1));
    CHECK_FALSE(is_blocked(SIGUSR2));
  }
  CHECK_FALSE(is_blocked(SIGUSR1));
}

TEST_CASE("a signal that nobody read does not strike when the watcher goes", "[os][signals]") {
  {
    signal_watcher watcher({SIGTERM});
    std::raise(SIGTERM);
  }
  SUCCEED("still here");
}

TEST_CASE("watchers nest", "[os][signals]") {
  signal_watcher outer({SIGUSR1});
  { signal_watcher inner({SIGUSR1, SIGUSR2}); }

  std::raise(SIGUSR1);

  CHECK(outer.next() == SIGUSR1);
  CHECK_FALSE(is_blocked(SIGUSR2));
}

TEST_CASE("a watcher that ends before one that came later leaves that one's signals blocked",
          "[os][signals]") {
  auto first = std::make_unique<signal_watcher>(std::initializer_list<int>{SIGUSR1});
  {
    const signal_watcher second({SIGUSR2});
    first.reset();
    CHECK_FALSE(is_blocked(SIGUSR1));
    CHECK(is_blocked(SIGUSR2));
  }
  CHECK_FALSE(is_blocked(SIGUSR1));
  CHECK_FALSE(is_blocked(SIGUSR2));
}

}  // namespace signals_test
