// Tasks that wait for each other and are cancelled at every moment: nothing of them is left, and
// what they share is as it was.
#include <support/cancel_everywhere.hpp>

#include <cetane/conc/group.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/sync/barrier.hpp>
#include <cetane/sync/condition.hpp>
#include <cetane/sync/countdown.hpp>
#include <cetane/sync/dispatcher.hpp>
#include <cetane/sync/fanout.hpp>
#include <cetane/sync/keyed_mutex.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/pool.hpp>
#include <cetane/sync/queue.hpp>
#include <cetane/sync/rate_limiter.hpp>
#include <cetane/sync/semaphore.hpp>
#include <cetane/sync/shared_mutex.hpp>
#include <cetane/sync/topic.hpp>
#include <cetane/sync/worker_pool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace sync_cancel_everywhere_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

TEST_CASE("a queue between tasks that are cancelled at any moment loses nothing",
          "[sync][cancel_everywhere]") {
  // Outside of the scenario, so that it can be looked at afterwards.
  std::unique_ptr<queue<int>> items;
  int put = 0;
  int got = 0;
  const auto produce = [&](stage& on) -> task<> {
    const stage::presence here(on);
    for (int i = 0; i < 6; ++i) {
      co_await items->put(i);
      ++put;
    }
    items->close();
  };
  const std::size_t moments = cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        items = std::make_unique<queue<int>>(2);
        put = got = 0;
        co_await with_group([&](group& g) -> task<> {
          g.spawn(produce, std::ref(on));
          co_await sleep(1ms);  // until it is full
          while (const std::optional<int> item = co_await items->next()) {
            CHECK(*item == got);
            ++got;
          }
        });
        CHECK(got == 6);
      },
      [&](stage&) {
        if (!items) return;
        while (items->try_get()) ++got;
        CHECK(put == got);
        items.reset();
      });
  CHECK(moments > 5);
}

TEST_CASE("locks of tasks that are cancelled at any moment are free in the end",
          "[sync][cancel_everywhere]") {
  mutex m;
  shared_mutex shared;
  keyed_mutex keyed;
  semaphore permits(2);
  const auto hold = [&](stage& on) -> task<> {
    const stage::presence here(on);
    const auto lock = co_await m.lock();
    const auto readers = co_await shared.lock_shared();
    co_await yield();
    const auto permit = co_await permits.acquire(2);
    co_await sleep(1ms);
    const auto key = co_await keyed.lock("key");
    co_await yield();
  };
  const auto write = [&](stage& on) -> task<> {
    const stage::presence here(on);
    const auto key = co_await keyed.lock("key");
    const auto writer = co_await shared.lock();
    co_await yield();
    const auto permit = co_await permits.acquire();
    co_await yield();
  };
  const std::size_t moments = cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        co_await with_group([&](group& g) -> task<> {
          g.spawn(hold, std::ref(on));
          g.spawn(hold, std::ref(on));
          co_await yield();
          co_await yield();
          co_await hold(on);
        });
        co_await write(on);
      },
      [&](stage&) {
        CHECK_FALSE(m.locked());
        CHECK(permits.available() == 2);
        CHECK(keyed.size() == 0);
      });
  CHECK(moments > 10);
}

TEST_CASE("a wait for a condition that is cancelled at any moment leaves the lock free",
          "[sync][cancel_everywhere]") {
  mutex m;
  cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        condition changed;
        bool ready = false;
        co_await with_group([&](group& g) -> task<> {
          g.spawn([&]() -> task<> {
            const stage::presence waiter(on);
            auto lock = co_await m.lock();
            while (!ready) co_await changed.wait(lock);
          });
          co_await yield();
          const auto lock = co_await m.lock();
          ready = true;
          changed.notify_all();
          co_await yield();
        });
      },
      [&](stage&) { CHECK_FALSE(m.locked()); });
}

TEST_CASE("meetings of tasks that are cancelled at any moment leave nobody waiting",
          "[sync][cancel_everywhere]") {
  std::unique_ptr<barrier> meeting;
  const auto meet = [&](stage& on, countdown& over) -> task<> {
    const stage::presence here(on);
    for (int i = 0; i < 2; ++i) co_await meeting->arrive_and_wait();
    over.tick();
  };
  cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        meeting = std::make_unique<barrier>(3);
        countdown over(3);
        co_await with_group([&](group& g) -> task<> {
          for (int i = 0; i < 3; ++i) {
            g.spawn(meet, std::ref(on), std::ref(over));
            co_await sleep(1ms);
          }
          co_await over.wait();
        });
      },
      [&](stage&) {
        if (meeting) CHECK(meeting->waiting() == 0);
        meeting.reset();
      });
}

TEST_CASE("subscribers that are cancelled at any moment are none any more",
          "[sync][cancel_everywhere]") {
  fanout<std::string> talk;
  topic<int> news;
  const auto hear = [&](stage& on) -> task<> {
    const stage::presence here(on);
    auto ear = talk.subscribe();
    (void)co_await ear.get();
    (void)co_await ear.get();
    (void)co_await news.wait();
  };
  cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        co_await with_group([&](group& g) -> task<> {
          g.spawn(hear, std::ref(on));
          g.spawn(hear, std::ref(on));
          co_await yield();
          talk.publish("one");
          co_await yield();
          talk.publish("two");
          co_await yield();
          co_await yield();
          CHECK(news.fire(1) == 2);
        });
      },
      [&](stage&) {
        CHECK(talk.subscribers() == 0);
        CHECK(news.fire(1) == 0);
      });
}

TEST_CASE("what a dispatcher gave to tasks that are cancelled at any moment waits for others",
          "[sync][cancel_everywhere]") {
  std::unique_ptr<dispatcher<int>> jobs;
  int done = 0;
  const auto take = [&](stage& on) -> task<> {
    const stage::presence here(on);
    auto mine = jobs->accept();
    for (int i = 0; i < 2; ++i) {
      (void)co_await mine.get();
      ++done;
      co_await yield();
    }
  };
  cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        jobs = std::make_unique<dispatcher<int>>();
        done = 0;
        co_await with_group([&](group& g) -> task<> {
          g.spawn(take, std::ref(on));
          g.spawn(take, std::ref(on));
          co_await yield();
          for (int i = 0; i < 4; ++i) CHECK(jobs->dispatch(i));
        });
        CHECK(done == 4);
      },
      [&](stage&) {
        if (!jobs) return;
        const std::size_t left = jobs->waiting();
        CHECK((left + static_cast<std::size_t>(done) == 4 || (left == 0 && done == 0)));
        jobs.reset();
      });
}

TEST_CASE("a pool whose tasks are cancelled at any moment has all of its objects",
          "[sync][cancel_everywhere]") {
  int made = 0;
  int destroyed = 0;
  struct counted {
    explicit counted(int& at_end) : end(&at_end) {}
    counted(counted&& other) noexcept : end(std::exchange(other.end, nullptr)) {}
    counted& operator=(counted&&) = delete;
    ~counted() {
      if (end != nullptr) ++*end;
    }
    int* end;
  };
  std::unique_ptr<pool<std::unique_ptr<counted>>> objects;
  const auto make = [&]() -> task<std::unique_ptr<counted>> {
    co_await sleep(1ms);
    ++made;
    auto one = std::make_unique<counted>(destroyed);
    co_await yield();
    co_return one;
  };
  const auto use = [&](stage& on) -> task<> {
    const stage::presence here(on);
    auto one = co_await objects->acquire();
    co_await yield();
  };
  cancel_everywhere(
      [&](stage& on) -> task<> {
        const stage::presence here(on);
        objects = std::make_unique<pool<std::unique_ptr<counted>>>(make, pool_limits().open(2));
        co_await with_group([&](group& g) -> task<> {
          for (int i = 0; i < 3; ++i) g.spawn(use, std::ref(on));
          co_await use(on);
        });
      },
      [&](stage&) {
        if (!objects) return;
        CHECK(objects->in_use() == 0);
        objects.reset();
        CHECK(made == destroyed);
      });
}

TEST_CASE("workers that are cancelled at any moment leave nothing", "[sync][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    int left = 5;
    const auto source = [&]() -> task<std::optional<int>> {
      co_await yield();
      if (left == 0) co_return std::nullopt;
      co_return left--;
    };
    const auto handle = [&](int) -> task<> {
      const stage::presence worker(on);
      co_await sleep(1ms);
    };
    worker_pool workers(2, source, handle);
    co_await workers.run();
    CHECK(workers.done() == 5);
  });
}

TEST_CASE("who waits for a rate and is cancelled at any moment leaves nothing",
          "[sync][cancel_everywhere]") {
  cancel_everywhere([](stage& on) -> task<> {
    const stage::presence here(on);
    rate_limiter rate(500, 2);
    co_await with_group([&](group& g) -> task<> {
      for (int i = 0; i < 3; ++i) {
        g.spawn([&]() -> task<> {
          const stage::presence waiter(on);
          co_await rate.acquire();
        });
      }
      co_await rate.acquire(2);
    });
  });
}

}  // namespace sync_cancel_everywhere_test
