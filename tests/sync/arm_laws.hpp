// What every arm of first() has to keep, whatever it waits for. A case of it says what the arm is:
//
//   auto operation();         what is waited for
//   void happen();            makes it possible, once
//   bool had(const R& told);  whether the winner has got it; asked while it has the result
//   bool there();             whether it can be had once, and not twice: nobody has taken it
//   for_one                   true if one waiter gets it, false if all do
#pragma once

#include <sync/sync_fixture.hpp>

#include <cetane/conc/first.hpp>
#include <cetane/sync/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/turn.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cetane::test {

/// Waits for the event, or for the arm to its right.
template <class Case>
task<int> event_or_arm(event& other, Case& of) {
  auto turn = co_await first(other.wait(), of.operation());
  if (std::get<1>(turn)) CHECK(of.had(std::get<1>(turn)));
  co_return engaged(turn);
}

/// Waits for the arm, or for the event to its right.
template <class Case>
task<int> arm_or_event(event& other, Case& of) {
  auto turn = co_await first(of.operation(), other.wait());
  if (std::get<0>(turn)) CHECK(of.had(std::get<0>(turn)));
  co_return engaged(turn);
}

template <class Case>
task<> arm_alone(Case& of) {
  (void)co_await of.operation();
}

/// The laws for what is still there when somebody comes later.
template <class Case>
void check_laws_of_ready_arms() {
  Case of;
  test_loop loop;
  event other;

  SECTION("what is ready is taken at once") {
    of.happen();
    const auto before = loop.loop().stats().resumes;
    CHECK(loop.run([&] { return event_or_arm(other, of); }) == 2);
    CHECK(loop.loop().stats().resumes == before + 1);
  }
  SECTION("what is ready is left alone when something to its left is ready too") {
    of.happen();
    other.set();
    CHECK(loop.run([&] { return event_or_arm(other, of); }) == 1);
    CHECK(of.there());
  }
  SECTION("what is ready goes before what is ready to its right") {
    of.happen();
    other.set();
    CHECK(loop.run([&] { return arm_or_event(other, of); }) == 1);
    CHECK(other.is_set());
  }
  check_nothing_left(loop);
}

/// The laws for what comes while somebody waits.
template <class Case>
void check_laws_of_waiting_arms() {
  Case of;
  auto loop = std::make_unique<test_loop>();
  event other;
  const auto result = [&](auto& handle) {
    REQUIRE(handle.done());
    return loop->run([&]() -> task<int> { co_return co_await handle; });
  };

  SECTION("what comes while the task waits is taken") {
    auto waiting = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    of.happen();
    run_ready(*loop);
    CHECK(result(waiting) == 2);
  }
  SECTION("what comes when another arm has won is not taken") {
    auto waiting = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    other.set();
    run_ready(*loop);
    CHECK(result(waiting) == 1);
    of.happen();
    CHECK(of.there());
  }
  SECTION("what comes together with something to its left is given back") {
    auto waiting = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    of.happen();
    other.set();
    run_ready(*loop);
    CHECK(result(waiting) == 1);
    CHECK(of.there());
  }
  SECTION("what comes together with something to its right is taken") {
    auto waiting = loop->spawn(arm_or_event<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    other.set();
    of.happen();
    run_ready(*loop);
    CHECK(result(waiting) == 1);
  }
  SECTION("what a loser was promised goes to the next in line") {
    auto loser = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    auto next = loop->spawn(arm_alone<Case>, std::ref(of));
    run_ready(*loop);
    of.happen();
    other.set();
    run_ready(*loop);
    CHECK(result(loser) == 1);
    CHECK(next.done());
  }
  SECTION("an arm has its place in line among those who wait for it alone") {
    auto ahead = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    auto behind = loop->spawn(arm_alone<Case>, std::ref(of));
    run_ready(*loop);
    of.happen();
    CHECK_FALSE(ahead.done());
    loop->loop().run_once(time_point::min());
    CHECK(ahead.done());
    if (Case::for_one && !Case::gives_back) CHECK_FALSE(behind.done());
    behind.cancel();
    run_ready(*loop);
  }
  SECTION("who is cancelled while an arm waits has taken nothing") {
    auto waiting = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    waiting.cancel();
    run_ready(*loop);
    CHECK(waiting.done());
    of.happen();
    CHECK(of.there());
  }
  SECTION("who is cancelled after an arm was granted has it") {
    auto waiting = loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    of.happen();
    waiting.cancel();
    run_ready(*loop);
    CHECK(result(waiting) == 2);
  }
  SECTION("a loop that ends leaves what its tasks were promised") {
    (void)loop->spawn(event_or_arm<Case>, std::ref(other), std::ref(of));
    run_ready(*loop);
    of.happen();
    loop = std::make_unique<test_loop>();
    CHECK(of.there());
  }
  check_nothing_left(*loop);
}

}  // namespace cetane::test
