// Tasks that are cancelled at every moment of what they do: nothing of them is left.
#include <support/cancel_everywhere.hpp>

#include <cetane/conc/all.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/finally.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/for_each_concurrent.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/interval.hpp>
#include <cetane/conc/race.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/supervise.hpp>
#include <cetane/conc/thread.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace conc_cancel_everywhere_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

// What many scenarios are made of: a few turns, and a little time.
task<int> work(stage& on, int number) {
  const stage::presence here(on);
  for (int i = 0; i < number; ++i) co_await yield();
  co_await sleep(1ms);
  co_return number;
}

task<> work_and_fail(stage& on) {
  const stage::presence here(on);
  co_await yield();
  throw std::runtime_error("a mistake of the test");
}

task<> work_for_ever(stage& on) {
  const stage::presence here(on);
  for (;;) co_await sleep(1ms);
}

}  // namespace

TEST_CASE("sleeps and ticks that are cancelled at any moment leave nothing",
          "[conc][cancel_everywhere]") {
  const std::size_t moments = cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    interval tick(1ms);
    for (int i = 0; i < 3; ++i) {
      co_await tick.next();
      co_await yield();
      co_await sleep(0.001);
    }
  });
  CHECK(moments > 5);
}

TEST_CASE("a call within calls that is cancelled at any moment leaves nothing",
          "[conc][cancel_everywhere]") {
  const std::size_t moments = cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const int one = co_await work(on, 2);
    const int two = co_await work(on, one);
    CHECK(two == 2);
  });
  CHECK(moments > 5);
}

TEST_CASE("a group that is cancelled at any moment leaves nothing", "[conc][cancel_everywhere]") {
  const std::size_t moments = cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    co_await with_group([&](group& outer) -> task<> {
      const stage::presence body(on);
      outer.spawn(work, std::ref(on), 1);
      co_await with_group([&](group& inner) -> task<> {
        inner.spawn(work, std::ref(on), 3);
        inner.spawn(work_for_ever, std::ref(on));
        co_await sleep(3ms);
        inner.cancel();
      });
      outer.spawn(work, std::ref(on), 2);
    });
  });
  CHECK(moments > 5);
}

TEST_CASE("a group with a task that fails and is cancelled at any moment leaves nothing",
          "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const auto failed = co_await attempt(with_group([&](group& g) -> task<> {
      g.spawn(work_for_ever, std::ref(on));
      g.spawn(work_and_fail, std::ref(on));
      co_await work_for_ever(on);
    }));
    CHECK_FALSE(failed);
  });
}

TEST_CASE("all() that is cancelled at any moment leaves nothing", "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto both = co_await all(work(on, 1), work(on, 4));
    CHECK(std::get<1>(both) == 4);
  });
}

TEST_CASE("a race that is cancelled at any moment leaves nothing", "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto turn = co_await race(work_for_ever(on), work(on, 2), work_for_ever(on));
    CHECK(std::get<1>(turn) == 2);
  });
}

TEST_CASE("first() that is cancelled at any moment leaves nothing", "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    event never_set;
    auto turn = co_await first(on.here().until_eol(), never_set.wait(), sleep(1ms));
    CHECK(std::get<2>(turn));
    auto again = co_await first(on.here().closed(), never_set.wait(), sleep(0s));
    CHECK(std::get<2>(again));
  });
}

TEST_CASE("nested timeouts that are cancelled at any moment leave nothing",
          "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const std::optional<bool> ended = co_await move_on_after(
        1h, with_timeout(30min, move_on_after(2ms, with_timeout(1h, work_for_ever(on)))));
    CHECK(ended == false);
    const auto late = co_await attempt(with_timeout(1ms, move_on_after(1h, work_for_ever(on))));
    CHECK_FALSE(late);
  });
}

TEST_CASE("what is shielded ends when its task is cancelled at any moment, and leaves nothing",
          "[conc][cancel_everywhere]") {
  int begun = 0;
  int ended = 0;
  const auto save = [&](stage& on) -> task<> {
    const stage::presence here(on);
    ++begun;
    co_await sleep(1ms);
    co_await yield();
    ++ended;
  };
  cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    co_await yield();
    co_await shielded(1h, save(on));
    co_await yield();
  });
  CHECK(begun > 1);
  CHECK(begun == ended);
}

TEST_CASE("a shield with too little time leaves nothing", "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const auto saved = co_await attempt(shielded(1ms, work_for_ever(on)));
    CHECK_FALSE(saved);
  });
}

TEST_CASE("a clean-up is done wherever its task is cancelled, and leaves nothing",
          "[conc][cancel_everywhere]") {
  int begun = 0;
  int cleaned = 0;
  const auto body = [&](stage& on) -> task<> {
    const stage::presence here(on);
    ++begun;
    co_await work(on, 2);
  };
  cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    const auto clean_up = [&]() -> task<> {
      const stage::presence cleaner(on);
      co_await sleep(1ms);
      ++cleaned;
    };
    co_await finally(body(on), clean_up);
  });
  CHECK(begun > 1);
  CHECK(begun == cleaned);
}

TEST_CASE("a call on the offload pool whose task is cancelled at any moment leaves nothing",
          "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const std::string text = co_await thread([] { return std::string(100, 'x'); });
    CHECK(text.size() == 100);
    auto turn = co_await first(thread([] { return 1; }), sleep(1h));
    CHECK(std::get<0>(turn) == 1);
  });
}

TEST_CASE("a supervised task whose parent is cancelled at any moment leaves nothing",
          "[conc][cancel_everywhere]") {
  const captured_log log;
  const std::size_t moments = cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto handle =
        supervise(restart_policy().backoff(1ms, 1ms).limit(3), work_and_fail, std::ref(on));
    const auto over = co_await attempt(handle);
    CHECK_FALSE(over);
  });
  CHECK(moments > 5);
}

TEST_CASE("children and grandchildren of a task that is cancelled at any moment end with it",
          "[conc][cancel_everywhere]") {
  const auto child = [](stage& on) -> task<> {
    const stage::presence here(on);
    (void)fork_child(work_for_ever, std::ref(on));
    co_await work(on, 3);
  };
  cancel_everywhere([child](stage& on) -> task<> {
    const stage::presence here(on);
    (void)fork_child(child, std::ref(on));
    co_await work(on, 1);
    (void)fork_child(work_for_ever, std::ref(on));  // and ends before it has begun
  });
}

TEST_CASE("a join that is cancelled at any moment leaves nothing but the task, which ends",
          "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    auto child = fork_child(work, std::ref(on), 3);
    auto turn = co_await first(sleep(0s), child);
    CHECK(std::get<0>(turn));
    const int result = co_await child;
    CHECK(result == 3);
  });
}

TEST_CASE("work on many things at a time that is cancelled at any moment leaves nothing",
          "[conc][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    const std::vector<int> numbers{1, 2, 3, 4, 5};
    const auto one = [&on](int number) -> task<> { co_await work(on, number); };
    co_await for_each_concurrent(numbers, 2, one);
  });
}

}  // namespace conc_cancel_everywhere_test
