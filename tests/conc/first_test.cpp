#include "cetane/conc/first.hpp"

#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/thread.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/runtime/this_task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <support/expect.hpp>
#include <support/probe_op.hpp>
#include <support/test_loop.hpp>
#include <support/turn.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace first_test {

using namespace cetane;
using namespace std::chrono_literals;
using Catch::Matchers::Message;
using cetane::test::engaged;
using cetane::test::on_sim;
using cetane::test::probe;
using cetane::test::test_loop;

namespace {

task<int> five_after(duration span) {
  co_await sleep(span);
  co_return 5;
}

task<> forever() { co_await sleep_until(never); }

}  // namespace

TEST_CASE("first gives the result of the operation that happens, in its place", "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto child = spawn(five_after, 1ms);
    auto turn = co_await first(sleep(1h), child);
    auto& [slept, got] = turn;
    static_assert(std::is_same_v<decltype(turn), std::tuple<bool, std::optional<int>>>);
    CHECK_FALSE(slept);
    CHECK(got == 5);
  });
  check_nothing_left(loop);
}

TEST_CASE("what is ready is taken without suspending", "[conc][first]") {
  test_loop loop;
  probe ready;
  ready.happen();
  loop.run([&]() -> task<> {
    const auto before = event_loop::current()->stats().resumes;
    auto turn = co_await first(sleep(1h), ready);
    CHECK(std::get<1>(turn) == 1);
    CHECK(event_loop::current()->stats().resumes == before);
  });
  CHECK(ready.armed == 0);
  CHECK(loop.loop().stats().timers_armed == 0);
}

TEST_CASE("what is always ready leaves others their turns", "[conc][first]") {
  test_loop loop;
  probe many;
  many.there = 100'000;
  bool over = false;
  loop.run([&]() -> task<> {
    const auto taker = [&]() -> task<> {
      while (!over) co_await first(many, sleep(1h));
    };
    auto taking = spawn(taker);
    co_await yield();
    co_await yield();
    over = true;
    co_await taking;
  });
  CHECK(many.committed > 1);
  CHECK(many.committed < 1000);
  CHECK(many.armed == many.committed / 128);
  CHECK(many.there + many.committed == 100'000);
}

TEST_CASE("NEW-11: when several are ready the leftmost happens, and the others keep what they have",
          "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  a.happen();
  b.happen();
  loop.run([&]() -> task<> {
    auto turn = co_await first(b, a);
    CHECK(engaged(turn) == 1);
  });
  CHECK(b.committed == 1);
  CHECK(a.committed == 0);
  CHECK(a.there == 1);
}

TEST_CASE("two that become ready in the same turn: the leftmost happens, the other is given back",
          "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  loop.run([&]() -> task<> {
    const auto waits = [&]() -> task<int> {
      auto turn = co_await first(a, b, sleep(1h));
      co_return engaged(turn);
    };
    auto waiting = spawn(waits);
    co_await yield();
    b.happen();
    a.happen();
    const int which = co_await waiting;
    CHECK(which == 1);
  });
  CHECK(a.committed == 1);
  CHECK(b.committed == 0);
  CHECK(b.there == 1);
  CHECK(b.disarmed == 1);
  check_nothing_left(loop);
}

TEST_CASE("what a loser was given goes to the next in line", "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  loop.run([&]() -> task<> {
    const auto both = [&]() -> task<int> {
      auto turn = co_await first(a, b);
      co_return engaged(turn);
    };
    const auto only_b = [&]() -> task<int> { co_return co_await b; };
    auto winner = spawn(both);
    auto next = spawn(only_b);
    co_await yield();
    b.happen();
    a.happen();
    const int which = co_await winner;
    CHECK(which == 1);
    const int got = co_await next;
    CHECK(got == 1);
  });
  CHECK(b.there == 0);
}

TEST_CASE("W1, NEW-7: a sleep of zero beside something ready does not lose what is ready",
          "[conc][first]") {
  test_loop loop;
  probe item;
  item.happen();
  loop.run([&]() -> task<> {
    auto turn = co_await first(sleep(0s), item);
    CHECK(engaged(turn) == 2);
    CHECK(item.committed == 1);
    // Nothing of it comes later: a sleep is a sleep.
    const time_point begin = event_loop::current()->now();
    co_await sleep(5ms);
    CHECK(event_loop::current()->now() - begin >= 5ms);
  });
  check_nothing_left(loop);
}

TEST_CASE("a sleep of zero alone is a turn for everybody", "[conc][first]") {
  test_loop loop;
  probe item;
  loop.run([&]() -> task<> {
    bool had_turn = false;
    const auto other = [&]() -> task<> {
      had_turn = true;
      co_return;
    };
    (void)spawn(other);
    auto turn = co_await first(item, sleep(0s));
    CHECK(engaged(turn) == 2);
    CHECK(had_turn);
  });
  CHECK(item.disarmed == 1);
}

TEST_CASE("the shortest of several sleeps wins at its time", "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const time_point begin = event_loop::current()->now();
    auto turn = co_await first(sleep(1h), sleep(3ms), sleep_until(begin + 1h));
    CHECK(engaged(turn) == 2);
    const duration elapsed = event_loop::current()->now() - begin;
    CHECK(elapsed >= 3ms);
    if (on_sim()) CHECK(elapsed == 3ms);
  });
  check_nothing_left(loop);
}

TEST_CASE("an operation that throws is the one that happened, and nothing stays armed",
          "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  b.commit_throws = true;
  loop.run([&]() -> task<> {
    const auto waits = [&]() -> task<> { co_await first(sleep(1h), a, b); };
    auto waiting = spawn(waits);
    co_await yield();
    b.happen();
    bool thrown = false;
    try {
      co_await waiting;
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
  });
  CHECK(a.disarmed == 1);
  check_nothing_left(loop);
}

TEST_CASE("the others have left when an operation commits", "[conc][first]") {
  class looks_around final : public selectable {
   public:
    explicit looks_around(const std::pair<probe*, probe*>& both) noexcept
        : left_(both.first), right_(both.second) {}
    bool poll() const noexcept { return woken_; }
    void arm() noexcept {
      woken_ = true;
      wake();
    }
    void disarm() noexcept {}
    int commit() const { return left_->disarmed + right_->disarmed; }
    std::string describe_wait() const { return "a look around"; }

   private:
    probe* left_;
    probe* right_;
    bool woken_ = false;
  };
  class operation {
   public:
    using select_type = looks_around;
    operation(probe& left, probe& right) noexcept : both_(&left, &right) {}
    operator const std::pair<probe*, probe*>&() const noexcept { return both_; }

   private:
    std::pair<probe*, probe*> both_;
  };
  test_loop loop;
  probe left;
  probe right;
  loop.run([&]() -> task<> {
    auto turn = co_await first(left, operation(left, right), right);
    CHECK(std::get<1>(turn) == 2);
  });
}

TEST_CASE("an operation that cannot be armed takes back those before it", "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  probe c;
  b.arm_throws = true;
  loop.run([&]() -> task<> {
    std::string text;
    try {
      co_await first(a, sleep(1h), b, c);
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "cannot be armed");
    co_await sleep(1ms);  // the task waits as usual
  });
  CHECK(a.armed == 1);
  CHECK(a.disarmed == 1);
  CHECK(c.armed == 0);
  CHECK(c.disarmed == 0);
  check_nothing_left(loop);
}

TEST_CASE("an operation that cannot be armed is told after one that has woken the task already",
          "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  b.arm_throws = true;
  loop.run([&]() -> task<> {
    int wrong = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await first(sleep(0s), a, b);
        ++wrong;
      } catch (const std::runtime_error&) {
      }
    }
    CHECK(wrong == 0);
  });
  CHECK(a.armed == 3);
  CHECK(a.disarmed == 3);
}

TEST_CASE("awaited alone, an operation that cannot be armed throws there and then",
          "[conc][first]") {
  test_loop loop;
  probe broken;
  broken.arm_throws = true;
  loop.run([&]() -> task<> {
    bool thrown = false;
    try {
      co_await broken;
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
    detail::cancel_task(detail::this_task("test"), cancel_reason::user);  // waits for nothing
    bool refused = false;
    try {
      co_await sleep(1h);
    } catch (const cancelled&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("first within a timeout throws when the time is over, and says what was waited for",
          "[conc][first][not-epoll]") {
  test_loop loop;
  probe a;
  const auto waits = [&]() -> task<> { co_await with_timeout(2s, first(a, sleep(10s))); };
  CHECK_THROWS_MATCHES(loop.run(waits), timed_out,
                       Message("probe or sleep, 8 s left: not done within 2 s"));
  CHECK(a.armed == 1);
  CHECK(a.disarmed == 1);
  check_nothing_left(loop);
}

TEST_CASE("moving on from first gives the turn, or nothing when the time is over",
          "[conc][first]") {
  test_loop loop;
  probe a;
  a.happen();
  loop.run([&]() -> task<> {
    auto in_time = co_await move_on_after(1h, first(a, sleep(1h)));
    REQUIRE(in_time);
    CHECK(engaged(*in_time) == 1);
    auto late = co_await move_on_after(1ms, first(a, sleep(1h)));
    CHECK_FALSE(late);
  });
  CHECK(a.armed == a.disarmed);
  check_nothing_left(loop);
}

TEST_CASE("a cancel takes all arms back", "[conc][first]") {
  test_loop loop;
  probe a;
  probe b;
  loop.run([&]() -> task<> {
    const auto waits = [&]() -> task<> { co_await first(a, sleep(1h), b); };
    auto waiting = spawn(waits);
    co_await yield();
    waiting.cancel();
    bool ended = false;
    try {
      co_await waiting;
    } catch (const cancelled& e) {
      ended = e.reason == cancel_reason::user;
    }
    CHECK(ended);
  });
  CHECK(a.disarmed == 1);
  CHECK(b.disarmed == 1);
  check_nothing_left(loop);
}

TEST_CASE("a cancel that comes after the wake-up finds that it has happened", "[conc][first]") {
  test_loop loop;
  probe a;
  loop.run([&]() -> task<> {
    int got = 0;
    bool next_throws = false;
    const auto waits = [&]() -> task<> {
      auto turn = co_await first(sleep(1h), a);
      got = engaged(turn);
      try {
        co_await sleep(0s);
      } catch (const cancelled&) {
        next_throws = true;
      }
    };
    auto waiting = spawn(waits);
    co_await yield();
    a.happen();
    waiting.cancel();
    co_await waiting;
    CHECK(got == 2);
    CHECK(next_throws);
  });
  CHECK(a.committed == 1);
}

TEST_CASE("a task that is joined in first and loses goes on, and can be joined again",
          "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto slow = spawn(five_after, 10ms);
    auto turn = co_await first(slow, sleep(1ms));
    CHECK(engaged(turn) == 2);
    CHECK_FALSE(slow.done());
    const int value = co_await slow;
    CHECK(value == 5);
  });
  check_nothing_left(loop);
}

TEST_CASE("of two tasks that have ended the leftmost is joined, the other's result stays",
          "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto a = spawn(five_after, 0ms);
    auto b = spawn(five_after, 0ms);
    co_await sleep(1ms);
    auto turn = co_await first(b, a);
    CHECK(engaged(turn) == 1);
    const int value = co_await a;
    CHECK(value == 5);
  });
}

TEST_CASE("the error of a joined task is thrown by first", "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto fails = []() -> task<> {
      co_await sleep(1ms);
      throw std::runtime_error("failed");
    };
    auto child = spawn(fails);
    std::string text;
    try {
      co_await first(sleep(1h), child);
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "failed");
  });
  check_nothing_left(loop);
}

TEST_CASE("a task that first joins is refused to a second joiner", "[conc][first]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto child = spawn(forever);
    const auto joins = [&]() -> task<> { co_await first(child, sleep(1h)); };
    auto joiner = spawn(joins);
    co_await yield();
    std::string text;
    try {
      co_await first(sleep(1h), child);
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    CHECK(text == "a task is joined by two at once");
    joiner.cancel();
    child.cancel();
  });
}

TEST_CASE("a call on the offload pool can win", "[conc][first][thread]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto turn = co_await first(thread([] { return 7; }), sleep(1h));
    CHECK(std::get<0>(turn) == 7);
  });
  check_nothing_left(loop);
}

TEST_CASE("a call on the offload pool that loses at once is not made", "[conc][first][thread]") {
  test_loop loop;
  probe ready;
  ready.happen();
  bool made = false;
  loop.run([&]() -> task<> {
    auto turn = co_await first(thread([&made] { made = true; }), ready);
    CHECK(engaged(turn) == 2);
  });
  CHECK_FALSE(made);
}

TEST_CASE("an operation that wakes for nothing is told so", "[conc][first]") {
  class liar final : public selectable {
   public:
    explicit liar(int) noexcept {}
    bool poll() const noexcept { return false; }
    void arm() noexcept { wake(); }
    void disarm() noexcept {}
    void commit() noexcept {}
    std::string describe_wait() const { return "a lie"; }
  };
  class lie {
   public:
    using select_type = liar;
    operator int() const noexcept { return 0; }
  };
  test_loop loop;
  loop.run([]() -> task<> {
    std::string text;
    try {
      co_await first(lie(), sleep(1h));
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    CHECK(text.starts_with("first: an operation has woken the task, but none can be committed"));
    CHECK(text.find("a lie") != text.npos);
  });
  CHECK(loop.loop().stats().timers_live == 0);
}

TEST_CASE("dump_tasks tells all that first waits for", "[conc][first][dump]") {
  test_loop loop;
  probe a;
  const auto waits = [&]() -> task<> { co_await first(a, sleep_until(never)); };
  auto waiting = loop.spawn(waits);
  loop.loop().run_once(time_point::min());
  CHECK(loop.loop().dump_tasks().find("probe or sleep for ever") != std::string::npos);
  waiting.cancel();
  loop.loop().run_once(time_point::min());
}

TEST_CASE("a loop that ends takes the arms of its tasks back", "[conc][first][teardown]") {
  probe a;
  probe b;
  {
    test_loop loop;
    const auto waits = [&]() -> task<> { co_await first(a, sleep(1h), b); };
    (void)loop.spawn(waits);
    loop.loop().run_once(time_point::min());
    CHECK(a.armed == 1);
  }
  CHECK(a.disarmed == 1);
  CHECK(b.disarmed == 1);
}

}  // namespace first_test
