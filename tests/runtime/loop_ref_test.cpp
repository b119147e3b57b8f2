// Messages from loop to loop, also to one that has ended.
#include <cetane/runtime/loop_ref.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace loop_ref_test {

using cetane::delivery;
using cetane::event_loop;
using cetane::loop_ref;
using cetane::send_to;
using cetane::time_point;
using cetane::test::captured_log;
using cetane::test::test_loop;

namespace {

void turn(event_loop& loop) { loop.run_once(time_point::min()); }

// Runs `fn` as a message of that loop, on which it is at home then.
void on(event_loop& loop, std::function<void()> fn) {
  REQUIRE(loop.post(std::move(fn)));
  turn(loop);
}

}  // namespace

TEST_CASE("a message runs on the loop that it is sent to, behind those sent before",
          "[runtime][loop_ref]") {
  test_loop here;
  test_loop there;
  const loop_ref ref(there.loop());
  std::vector<int> order;

  on(here, [&] {
    for (int n = 0; n < 5; ++n) {
      // [send_to]
      const auto note = [&](int number) {
        CHECK(event_loop::current() == &there.loop());
        order.push_back(number);
      };
      CHECK(send_to(ref, note, n) == delivery::sent);
      // [/send_to]
    }
  });
  REQUIRE(order.empty());
  turn(there);

  REQUIRE(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a loop may be told apart from others, and referred to from its own thread",
          "[runtime][loop_ref]") {
  test_loop one;
  test_loop other;
  std::optional<loop_ref> of_one;

  REQUIRE_THROWS_AS(loop_ref::here(), std::logic_error);
  on(one, [&] {
    of_one = loop_ref::here();
    CHECK(of_one->is_here());
  });

  REQUIRE(*of_one == loop_ref(one.loop()));
  REQUIRE_FALSE(*of_one == loop_ref(other.loop()));
  REQUIRE_FALSE(of_one->is_here());
  REQUIRE_FALSE(of_one->ended());
}

TEST_CASE("a message to a loop that has ended is refused, and destroyed at once",
          "[runtime][loop_ref]") {
  std::optional<test_loop> gone(std::in_place);
  const loop_ref ref(gone->loop());
  gone.reset();
  auto kept = std::make_shared<int>(1);

  REQUIRE(ref.ended());
  REQUIRE(send_to(ref, [kept] { FAIL("it ran"); }) == delivery::loop_ended);
  REQUIRE(kept.use_count() == 1);
}

TEST_CASE("a message that waits when its loop ends is destroyed without a call",
          "[runtime][loop_ref]") {
  std::optional<test_loop> ending(std::in_place);
  const loop_ref ref(ending->loop());
  auto kept = std::make_shared<int>(1);

  REQUIRE(send_to(ref, [kept] { FAIL("it ran"); }) == delivery::sent);
  REQUIRE(kept.use_count() == 2);
  ending.reset();

  REQUIRE(kept.use_count() == 1);
}

TEST_CASE("a mailbox takes 65,536 messages, then says that it is full", "[runtime][loop_ref]") {
  test_loop slow;
  const loop_ref ref(slow.loop());
  std::size_t ran = 0;
  auto kept = std::make_shared<int>(1);

  for (std::size_t n = 0; n < 65536; ++n) REQUIRE(send_to(ref, [&] { ++ran; }) == delivery::sent);
  REQUIRE(send_to(ref, [kept] { FAIL("it ran"); }) == delivery::mailbox_full);
  REQUIRE(kept.use_count() == 1);
  turn(slow);

  REQUIRE(ran == 65536);
  REQUIRE(send_to(ref, [] {}) == delivery::sent);
}

TEST_CASE("what a message throws is logged, and the next one runs", "[runtime][loop_ref]") {
  const captured_log log;
  test_loop loop;
  const loop_ref ref(loop.loop());
  bool ran = false;

  REQUIRE(send_to(ref, [] { throw std::runtime_error("no luck"); }) == delivery::sent);
  REQUIRE(send_to(ref, [&] { ran = true; }) == delivery::sent);
  turn(loop);

  REQUIRE(ran);
  REQUIRE(log.has("no luck"));
}

TEST_CASE("a function that is destroyed unsent may send to the same loop", "[runtime][loop_ref]") {
  struct sends_at_its_end {
    sends_at_its_end(const loop_ref& to, int& count) : loop(to), sent(count) {}
    ~sends_at_its_end() {
      if (send_to(loop, [] {}) == delivery::loop_ended) ++sent;
    }
    const loop_ref loop;
    int& sent;
  };
  std::optional<test_loop> gone(std::in_place);
  const loop_ref ref(gone->loop());
  int refused = 0;
  auto waits = std::make_shared<sends_at_its_end>(ref, refused);
  REQUIRE(send_to(ref, [waits = std::move(waits)] {}) == delivery::sent);

  gone.reset();

  REQUIRE(refused == 1);
}

// A simulated loop takes no part in real time.
TEST_CASE("threads send while the loop ends: each message runs or is destroyed, none later",
          "[runtime][loop_ref][not-sim]") {
  for (int round = 0; round < 20; ++round) {
    std::optional<test_loop> ending(std::in_place);
    const loop_ref ref(ending->loop());
    auto kept = std::make_shared<int>(1);
    std::atomic<int> ran = 0;
    std::atomic<int> begun = 0;
    std::vector<std::thread> senders;
    for (int i = 0; i < 3; ++i) {
      senders.emplace_back([&] {
        ++begun;
        while (send_to(ref, [kept, &ran] { ++ran; }) != delivery::loop_ended) {
        }
      });
    }
    ending->loop().run_until([&] { return begun == 3 && ran > 100; });
    ending.reset();
    const int at_the_end = ran;
    for (std::thread& each : senders) each.join();

    REQUIRE(ran == at_the_end);
    REQUIRE(kept.use_count() == 1);
  }
}

}  // namespace loop_ref_test
