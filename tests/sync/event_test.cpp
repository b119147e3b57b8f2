#include <cetane/sync/event.hpp>

#include <cetane/sync/countdown.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sync/sync_fixture.hpp>

#include <type_traits>

namespace event_test {

using Catch::Matchers::ContainsSubstring;
using cetane::countdown;
using cetane::event;
using cetane::task;
using cetane::test::note_after;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

TEST_CASE("setting an event wakes all who wait, first come, first served", "[sync][event]") {
  event start;
  notes woken;
  test_loop loop;
  for (const char name : {'a', 'b', 'c'}) {
    (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), name, start.wait());
  }
  run_ready(loop);
  REQUIRE(woken.empty());

  start.set();
  start.set();
  run_ready(loop);

  REQUIRE(woken == "abc");
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("who waits for an event that is set does not wait", "[sync][event]") {
  event start;
  test_loop loop;
  start.set();
  loop.run([&]() -> task<> {
    const auto before = loop.loop().stats().resumes;
    co_await start.wait();
    CHECK(loop.loop().stats().resumes == before);
  });
  REQUIRE(start.is_set());
}

TEST_CASE("an event that is cleared before those who wait run wakes them all the same",
          "[sync][event]") {
  event start;
  notes woken;
  test_loop loop;
  (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'a', start.wait());
  run_ready(loop);

  start.set();
  start.clear();
  (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'b', start.wait());
  run_ready(loop);

  REQUIRE(woken == "a");
  start.set();
  run_ready(loop);
  REQUIRE(woken == "ab");
}

TEST_CASE("a cancelled wait for an event ends, and the others go on", "[sync][event]") {
  event start;
  notes woken;
  test_loop loop;
  auto first = loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'a', start.wait());
  (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'b', start.wait());
  run_ready(loop);

  first.cancel();
  run_ready(loop);
  REQUIRE(woken == "A");
  start.set();
  run_ready(loop);

  REQUIRE(woken == "Ab");
}

TEST_CASE("a wait that is cancelled after it was woken has happened", "[sync][event]") {
  event start;
  notes woken;
  test_loop loop;
  auto first = loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'a', start.wait());
  run_ready(loop);

  start.set();
  first.cancel();
  run_ready(loop);

  REQUIRE(woken == "a");
}

TEST_CASE("a task that only waits for set events leaves others their turn", "[sync][event]") {
  event start;
  test_loop loop;
  start.set();
  bool ended = false;
  const auto looping = [&]() -> task<> {
    while (!ended) co_await start.wait();
  };
  const auto other = [&]() -> task<> {
    ended = true;
    co_return;
  };
  (void)loop.spawn(looping);
  (void)loop.spawn(other);
  run_ready(loop);

  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("a countdown is over after its last tick, and further ones do no harm",
          "[sync][countdown]") {
  static_assert(std::is_same_v<cetane::latch, countdown>);
  countdown left(3);
  notes woken;
  test_loop loop;
  (void)loop.spawn(note_after<decltype(left.wait())>, std::ref(woken), 'a', left.wait());
  run_ready(loop);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("countdown, 3 of 3 left"));

  left.tick();
  left.tick();
  run_ready(loop);
  REQUIRE(woken.empty());
  REQUIRE(left.left() == 1);
  left.tick();
  left.tick(7);
  run_ready(loop);

  REQUIRE(woken == "a");
  REQUIRE(left.left() == 0);
}

TEST_CASE("a countdown from zero is over at once", "[sync][countdown]") {
  countdown none(0);
  test_loop loop;
  loop.run([&]() -> task<> { co_await none.wait(); });
  REQUIRE(none.ticks() == 0);
}

TEST_CASE("a loop that ends destroys those who wait for an event", "[sync][event]") {
  event start;
  notes woken;
  {
    test_loop loop;
    (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'a', start.wait());
    (void)loop.spawn(note_after<decltype(start.wait())>, std::ref(woken), 'b', start.wait());
    run_ready(loop);
    start.set();
  }
  REQUIRE(woken.empty());
}

}  // namespace event_test
