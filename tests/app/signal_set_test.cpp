#include <cetane/app/signal_set.hpp>

#include <app/app_fixture.hpp>

#include <cetane/conc/first.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/cancel_everywhere.hpp>
#include <support/turn.hpp>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <unistd.h>

namespace signal_set_test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using cetane::signal_set;
using cetane::task;
using cetane::test::app_fixture;
using cetane::test::engaged;
using cetane::test::run_until;
using cetane::test::test_loop;

namespace {

void send(int number) { REQUIRE(::kill(::getpid(), number) == 0); }

bool is_blocked(int number) {
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return ::sigismember(&now, number) == 1;
}

}  // namespace

TEST_CASE("SIG-1: a task that waits for a signal goes on when it comes, and not before",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  int got = 0;
  const auto waiting = [&]() -> task<> {
    signal_set usr(SIGUSR2);
    got = co_await usr.wait();
  };
  auto handle = loop.spawn(waiting);
  for (int i = 0; i < 3; ++i) loop.loop().run_once(cetane::time_point::min());
  REQUIRE(got == 0);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("signal SIGUSR2"));
  send(SIGUSR2);
  run_until(loop, [&] { return handle.done(); });

  REQUIRE(got == SIGUSR2);
  REQUIRE_FALSE(is_blocked(SIGUSR2));
}

TEST_CASE("SIG-2: five who wait for a signal, with one set or their own, all go on",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  int woken = 0;
  loop.run([&]() -> task<> {
    signal_set shared(SIGUSR2, SIGHUP);
    const auto with_shared = [&]() -> task<> {
      const int number = co_await shared.wait();
      CHECK(number == SIGUSR2);
      ++woken;
    };
    const auto with_own = [&]() -> task<> {
      signal_set own(SIGUSR2);
      (void)co_await own.wait();
      ++woken;
    };
    auto a = cetane::spawn(with_shared);
    auto b = cetane::spawn(with_shared);
    auto c = cetane::spawn(with_own);
    auto d = cetane::spawn(with_own);
    auto e = cetane::spawn(with_own);
    co_await cetane::yield();
    send(SIGUSR2);
    co_await a;
    co_await b;
    co_await c;
    co_await d;
    co_await e;
  });
  REQUIRE(woken == 5);
}

TEST_CASE("SIG-3: a signal with a foreign handler is refused, and the handler still works",
          "[app][signal_set][not-sim]") {
  static volatile std::sig_atomic_t handled = 0;
  std::signal(SIGUSR2, [](int) { handled = 1; });
  test_loop loop;
  loop.run([]() -> task<> {
    CHECK_THROWS_MATCHES(signal_set(SIGUSR2), std::logic_error,
                         MessageMatches(ContainsSubstring("a handler is installed for SIGUSR2")));
    co_return;
  });
  std::raise(SIGUSR2);
  CHECK(handled == 1);
  std::signal(SIGUSR2, SIG_DFL);
}

TEST_CASE("SIG-4: a signal that another thread sends wakes a loop that sleeps",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set usr(SIGUSR2);
    std::thread other([] { ::kill(::getpid(), SIGUSR2); });
    const int number = co_await usr.wait();
    CHECK(number == SIGUSR2);
    other.join();
  });
}

TEST_CASE("SIG-5: a signal that comes before the wait is remembered",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set both(SIGUSR2, SIGHUP);
    send(SIGUSR2);
    send(SIGHUP);
    const int first = co_await both.wait();
    const int second = co_await both.wait();
    CHECK(first + second == SIGUSR2 + SIGHUP);
  });
}

TEST_CASE("SIG-6, NEW-30, W18: a signal that comes again and again is heard each time",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set usr(SIGUSR2);
    for (int i = 0; i < 5; ++i) {
      send(SIGUSR2);
      const int number = co_await usr.wait();
      CHECK(number == SIGUSR2);
    }
    send(SIGUSR2);
    send(SIGUSR2);  // and nobody waits: the process lives
  });
}

TEST_CASE("a signal that woke a task which is cancelled is heard by the next wait",
          "[app][signal_set][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set usr(SIGUSR2);
    const auto waiting = [&]() -> task<> { (void)co_await usr.wait(); };
    auto handle = cetane::spawn(waiting);
    co_await cetane::yield();
    handle.cancel();
    send(SIGUSR2);
    const int number = co_await usr.wait();
    CHECK(number == SIGUSR2);
  });
}

TEST_CASE("a signal that woke two is not remembered for an arm that loses",
          "[app][signal_set][first][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set usr(SIGUSR2);
    cetane::event other;
    const auto hears = [&]() -> task<> {
      (void)co_await usr.wait();
      other.set();  // the second is woken already, and its left arm goes before
    };
    const auto loses = [&]() -> task<> {
      auto turn = co_await cetane::first(other.wait(), usr.wait());
      CHECK(engaged(turn) == 1);
    };
    auto first = cetane::spawn(hears);
    auto second = cetane::spawn(loses);
    co_await cetane::yield();
    send(SIGUSR2);
    co_await first;
    co_await second;
    const auto again = co_await cetane::move_on_after(std::chrono::milliseconds(1), usr.wait());
    CHECK_FALSE(again.has_value());
  });
}

TEST_CASE("a signal wins as an arm, and is remembered when it loses",
          "[app][signal_set][first][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set one(SIGUSR2);
    signal_set two(SIGUSR2);
    cetane::event set;
    set.set();

    send(SIGUSR2);
    auto turn = co_await cetane::first(one.wait(), two.wait());  // both are woken in one turn
    CHECK(engaged(turn) == 1);
    auto remembered = co_await cetane::first(set.wait(), two.wait());
    CHECK(engaged(remembered) == 1);
    auto left = co_await cetane::first(two.wait(), set.wait());
    CHECK(std::get<0>(left) == SIGUSR2);
    auto none = co_await cetane::first(one.wait(), two.wait(), set.wait());
    CHECK(engaged(none) == 3);
  });
}

TEST_CASE("a signal that comes when its arm has lost is heard by the next wait",
          "[app][signal_set][first][not-sim]") {
  test_loop loop;
  loop.run([]() -> task<> {
    signal_set usr(SIGUSR2);
    cetane::event other;
    const auto wait_for_either = [&]() -> task<int> {
      auto turn = co_await cetane::first(usr.wait(), other.wait());
      co_return engaged(turn);
    };
    auto waiting = cetane::spawn(wait_for_either);
    co_await cetane::yield();
    other.set();
    const int which = co_await waiting;
    send(SIGUSR2);
    const int number = co_await usr.wait();
    CHECK(which == 2);
    CHECK(number == SIGUSR2);
  });
}

TEST_CASE("a wait for a signal that is cancelled at any moment leaves nothing",
          "[app][signal_set][cancel_everywhere][not-sim]") {
  cetane::test::cancel_everywhere([](cetane::test::stage& on) -> task<> {
    const cetane::test::stage::presence here(on);
    signal_set usr(SIGUSR2, SIGHUP);
    for (const int number : {SIGUSR2, SIGHUP}) {
      send(number);
      const int heard = co_await usr.wait();
      CHECK(heard == number);
    }
  });
  CHECK_FALSE(is_blocked(SIGUSR2));
}

TEST_CASE("W18: SIGTERM can be waited for where the application leaves signals alone",
          "[app][signal_set][not-sim]") {
  const auto of_test_runner = std::signal(SIGTERM, SIG_DFL);
  const cetane::scope_exit restore([&] { std::signal(SIGTERM, of_test_runner); });
  app_fixture f;
  f.run([]() -> task<> {
    signal_set end(SIGTERM);
    send(SIGTERM);
    const int number = co_await end.wait();
    CHECK(number == SIGTERM);
  });
}

TEST_CASE("the signals of an application that handles them are refused, others are not",
          "[app][signal_set][not-sim]") {
  app_fixture f;
  f.app.handle_signals();
  f.run([]() -> task<> {
    for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
      CHECK_THROWS_MATCHES(signal_set(number), std::logic_error,
                           MessageMatches(ContainsSubstring("the application handles")));
    }
    { const signal_set reload(SIGHUP); }
    CHECK(is_blocked(SIGTERM));
    co_return;
  });
}

TEST_CASE("what is no signal, or cannot be waited for, is refused", "[app][signal_set]") {
  test_loop loop;
  loop.run([]() -> task<> {
    for (const int number : {0, -1, 65, SIGKILL, SIGSTOP}) {
      CHECK_THROWS_AS(signal_set(number), std::invalid_argument);
    }
    co_return;
  });
}

TEST_CASE("a simulated network has no signals", "[app][signal_set][not-epoll]") {
  test_loop loop;
  loop.run([]() -> task<> {
    CHECK_THROWS_AS(signal_set(SIGUSR2), std::logic_error);
    co_return;
  });
}

}  // namespace signal_set_test
