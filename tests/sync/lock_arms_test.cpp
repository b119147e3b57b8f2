// Locks and permits as arms of first().
#include <cetane/sync/condition.hpp>
#include <cetane/sync/keyed_mutex.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/pool.hpp>
#include <cetane/sync/semaphore.hpp>
#include <cetane/sync/shared_mutex.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sync/arm_laws.hpp>

#include <optional>
#include <string>

namespace lock_arms_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct locks {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = true;

  auto operation() { return m.lock(); }
  void happen() { held.reset(); }
  bool had(const std::optional<mutex_lock>& lock) { return static_cast<bool>(*lock) && m.locked(); }
  bool there() { return !m.locked(); }

  mutex m;
  std::optional<mutex_lock> held = m.try_lock();
};

struct acquires_two {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = true;

  auto operation() { return s.acquire(2); }
  void happen() { s.release(1); }
  bool had(const std::optional<semaphore_permit>& permits) {
    return static_cast<bool>(*permits) && s.available() == 0;
  }
  bool there() { return s.available() == 2; }

  semaphore s{1};
};

// The lock of somebody else: of a task on a loop of its own.
class held_elsewhere {
 public:
  template <class Take>
  explicit held_elsewhere(Take take) {
    (void)loop_.spawn([this, take]() -> task<> {
      const auto lock = co_await take();
      co_await over_.wait();
    });
    run_ready(loop_);
  }
  void release() {
    over_.set();
    run_ready(loop_);
  }

 private:
  event over_;
  test_loop loop_;
};

struct locks_shared_mutex {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = true;

  auto operation() { return m.lock(); }
  void happen() { held.release(); }
  bool had(const std::optional<shared_mutex_lock>& lock) { return static_cast<bool>(*lock); }
  bool there() {
    test_loop loop;
    return loop.run([&]() -> task<bool> { co_return static_cast<bool>(co_await m.lock()); });
  }

  shared_mutex m;
  held_elsewhere held{[this] { return m.lock_shared(); }};
};

struct shares {
  static constexpr bool for_one = false;
  static constexpr bool gives_back = true;

  auto operation() { return m.lock_shared(); }
  void happen() { held.release(); }
  bool had(const std::optional<shared_mutex_lock>& lock) { return static_cast<bool>(*lock); }
  bool there() {
    test_loop loop;
    return loop.run([&]() -> task<bool> { co_return static_cast<bool>(co_await m.lock()); });
  }

  shared_mutex m;
  held_elsewhere held{[this] { return m.lock(); }};
};

struct locks_a_key {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = true;

  auto operation() { return m.lock("key"); }
  void happen() { held.release(); }
  bool had(const std::optional<keyed_lock>&) { return m.size() == 1; }
  bool there() { return m.size() == 0; }

  keyed_mutex m;
  held_elsewhere held{[this] { return m.lock("key"); }};
};

}  // namespace

TEMPLATE_TEST_CASE("a free lock is for the arm that wins, and stays free when it loses",
                   "[sync][first][mutex]", locks, acquires_two, locks_shared_mutex, shares,
                   locks_a_key) {
  check_laws_of_ready_arms<TestType>();
}

TEMPLATE_TEST_CASE("a lock that was promised to an arm which loses goes to the next",
                   "[sync][first][mutex]", locks, acquires_two, locks_shared_mutex, shares,
                   locks_a_key) {
  check_laws_of_waiting_arms<TestType>();
}

TEST_CASE("many permits for an arm that loses let those behind it have few",
          "[sync][first][semaphore]") {
  semaphore s(1);
  event other;
  test_loop loop;
  const auto wants_three = [&]() -> task<int> {
    auto turn = co_await first(other.wait(), s.acquire(3));
    co_return engaged(turn);
  };
  const auto wants_one = [&]() -> task<> { (void)co_await s.acquire(); };
  auto loser = loop.spawn(wants_three);
  auto behind = loop.spawn(wants_one);
  run_ready(loop);
  CHECK_FALSE(behind.done());
  other.set();
  run_ready(loop);
  CHECK(loser.done());
  CHECK(behind.done());
  CHECK(s.available() == 1);
}

TEST_CASE("an arm for a lock that its task has is told so, and nothing is taken",
          "[sync][first][mutex]") {
  mutex m;
  event other;
  other.set();
  test_loop loop;
  loop.run([&]() -> task<> {
    const auto lock = co_await m.lock();
    const auto lock_again = [&]() -> task<> {
      event never_set;
      (void)co_await first(never_set.wait(), m.lock());
    };
    // in this task: what it has locked is its own
    std::string text = co_await thrown_by(lock_again());
    CHECK_THAT(text, ContainsSubstring("lock"));
    auto turn = co_await first(other.wait(), m.lock());
    CHECK(engaged(turn) == 1);
    CHECK(m.locked());
  });
  CHECK_FALSE(m.locked());
  check_nothing_left(loop);
}

TEST_CASE("who wins a lock by first() has it until the result is dropped", "[sync][first][mutex]") {
  mutex m;
  event never_set;
  test_loop loop;
  loop.run([&]() -> task<> {
    {
      auto turn = co_await first(never_set.wait(), m.lock());
      CHECK(engaged(turn) == 2);
      CHECK(m.locked());
      CHECK_FALSE(m.try_lock());
    }
    CHECK_FALSE(m.locked());
  });
}

TEST_CASE("an object of a pool that is waited for by a task of its own is not lost",
          "[sync][first][pool]") {
  pool<int> numbers([] { return 7; }, pool_limits().idle(1).open(1));
  event other;
  const auto take = [&]() -> task<pool_lease<int>> { return numbers.acquire(); };
  test_loop loop;
  loop.run([&]() -> task<> {
    std::optional<pool_lease<int>> mine;
    {
      auto taking = spawn(take);
      auto turn = co_await first(other.wait(), taking);
      CHECK(engaged(turn) == 2);
      CHECK(**std::get<1>(turn) == 7);
      CHECK(numbers.in_use() == 1);

      auto waiting = spawn(take);
      co_await yield();
      other.set();
      auto loses = co_await first(other.wait(), waiting);
      CHECK(engaged(loses) == 1);
      waiting.cancel();
      co_await yield();
    }
    co_await yield();
  });
  CHECK(numbers.in_use() == 0);
  CHECK(numbers.idle() == 1);
  check_nothing_left(loop);
}

TEST_CASE("an object of a pool that comes for a loser goes back when its handle is dropped",
          "[sync][first][pool]") {
  pool<int> numbers([] { return 7; }, pool_limits().idle(1).open(1));
  event other;
  other.set();
  const auto take = [&]() -> task<pool_lease<int>> { return numbers.acquire(); };
  test_loop loop;
  loop.run([&]() -> task<> {
    auto taking = spawn(take);
    co_await yield();
    CHECK(taking.done());
    auto turn = co_await first(other.wait(), taking);
    CHECK(engaged(turn) == 1);
    CHECK(numbers.in_use() == 1);
    taking = join_handle<pool_lease<int>>();
    CHECK(numbers.in_use() == 0);
  });
  CHECK(numbers.idle() == 1);
}

}  // namespace lock_arms_test
