#include "conc/offload_pool.hpp"

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace offload_pool_test {

using namespace cetane;

namespace {

// A call that nobody waits for.
class lone_call final : public detail::offloaded_call {
 public:
  explicit lone_call(std::function<void()> what) : what_(std::move(what)) {}
  void run() noexcept override { what_(); }
  std::exception_ptr error() const noexcept override { return nullptr; }

 protected:
  void hand_over(detail::offload_caller&) noexcept override {}

 private:
  std::function<void()> what_;
};

detail::offloaded_call& submit(detail::offload_pool& pool, std::function<void()> what) {
  auto call = std::make_unique<lone_call>(std::move(what));
  detail::offloaded_call& submitted = *call;
  pool.submit(std::move(call));
  return submitted;
}

// All calls are made, and their threads wait for others.
void wait_until_idle(const detail::offload_pool& pool) {
  for (;;) {
    const auto now = pool.now();
    if (now.in_line == 0 && now.threads == now.idle) return;
    std::this_thread::yield();
  }
}

// Calls that keep their threads until they are let go.
class blockers {
 public:
  blockers(detail::offload_pool& pool, int count)
      : begun_(count), released_(release_.get_future()) {
    for (int i = 0; i < count; ++i) {
      submit(pool, [this, released = released_] {
        begun_.count_down();
        released.wait();
      });
    }
  }
  blockers(const blockers&) = delete;
  blockers& operator=(const blockers&) = delete;

  void wait_until_begun() { begun_.wait(); }
  void release() { release_.set_value(); }

 private:
  std::latch begun_;
  std::promise<void> release_;
  std::shared_future<void> released_;
};

class journal {
 public:
  void note(int entry) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(entry);
  }
  std::vector<int> entries() {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  std::mutex mutex_;
  std::vector<int> entries_;
};

}  // namespace

TEST_CASE("threads are started when calls need them, and no more than the most",
          "[conc][offload_pool]") {
  detail::offload_pool pool(3, 10);
  CHECK(pool.now().threads == 0);

  blockers first(pool, 2);
  first.wait_until_begun();
  CHECK(pool.now().threads == 2);

  blockers third(pool, 1);
  third.wait_until_begun();
  submit(pool, [] {});
  CHECK(pool.now().threads == 3);
  CHECK(pool.now().in_line == 1);

  first.release();
  third.release();
}

TEST_CASE("an idle thread makes the next call, and no other is started", "[conc][offload_pool]") {
  detail::offload_pool pool(3, 10);

  for (int i = 0; i < 20; ++i) {
    submit(pool, [] {});
    wait_until_idle(pool);
  }

  CHECK(pool.now().threads == 1);
  CHECK(pool.now().in_line == 0);
}

TEST_CASE("two calls at once are not left to one idle thread", "[conc][offload_pool]") {
  detail::offload_pool pool(3, 10);
  submit(pool, [] {});
  wait_until_idle(pool);

  blockers both(pool, 2);
  both.wait_until_begun();

  CHECK(pool.now().threads == 2);
  both.release();
}

TEST_CASE("behind the calls that may wait, others wait for room, and all are made in their order",
          "[conc][offload_pool]") {
  journal made;
  {
    detail::offload_pool pool(1, 3);
    blockers blocker(pool, 1);
    blocker.wait_until_begun();
    std::promise<void> last;

    for (int i = 0; i < 10; ++i) {
      submit(pool, [&made, &last, i] {
        made.note(i);
        if (i == 9) last.set_value();
      });
    }

    CHECK(pool.now().in_line == 3);
    CHECK(pool.now().for_room == 7);
    blocker.release();
    last.get_future().wait();
  }
  CHECK(made.entries() == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a withdrawn call is not made, and its place goes to the next", "[conc][offload_pool]") {
  journal made;
  {
    detail::offload_pool pool(1, 2);
    blockers blocker(pool, 1);
    blocker.wait_until_begun();
    std::promise<void> last;
    std::vector<detail::offloaded_call*> calls;
    for (int i = 0; i < 5; ++i) {
      calls.push_back(&submit(pool, [&made, &last, i] {
        made.note(i);
        if (i == 4) last.set_value();
      }));
    }

    pool.withdraw(*calls[0]);  // in line
    pool.withdraw(*calls[3]);  // for room

    CHECK(pool.now().in_line == 2);
    CHECK(pool.now().for_room == 1);
    blocker.release();
    last.get_future().wait();
  }
  CHECK(made.entries() == std::vector<int>{1, 2, 4});
}

TEST_CASE("a pool that ends leaves no call behind", "[conc][offload_pool]") {
  auto owned = std::make_shared<int>(1);
  auto pool = std::make_unique<detail::offload_pool>(1, 2);
  blockers blocker(*pool, 1);
  blocker.wait_until_begun();
  for (int i = 0; i < 4; ++i) submit(*pool, [owned] {});
  CHECK(owned.use_count() == 5);

  auto ended = std::async(std::launch::async, [&] { pool.reset(); });
  blocker.release();
  ended.wait();

  CHECK(owned.use_count() == 1);
}

}  // namespace offload_pool_test
