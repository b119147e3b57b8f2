// What lives in a frame: made, moved and destroyed as in a function.
#include "patterns.hpp"

#include <support/gate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace frames_test {

using cetane::test::gate;

namespace {

using numbers = std::vector<int>;

enum class way { end, early, brk, exception };

task<> leave_by(way how, ledger& objects) {
  const traced one(objects, 1);
  for (int round = 0; round < 1; ++round) {
    const traced two(objects, 2);
    co_await yield();
    {
      const traced three(objects, 3);
      co_await yield();
      if (how == way::early) co_return;
      if (how == way::brk) break;
      if (how == way::exception) throw 1;
    }
    const traced four(objects, 4);
    co_await yield();
  }
  co_await yield();
}

task<> hold(traced, ledger& objects, gate& door) {
  const traced first(objects, 2);
  const traced second(objects, 3);
  co_await door.wait();
  const traced never_made(objects, 4);
}

task<int> fibonacci(int n) {
  if (n < 2) co_return n;
  co_return co_await fibonacci(n - 1) + co_await fibonacci(n - 2);
}

template <std::size_t Bytes>
task<std::size_t> large() {
  std::array<unsigned char, Bytes> bytes;
  bytes.fill(1);
  co_await yield();
  std::size_t total = 0;
  for (const unsigned char each : bytes) total += each;
  co_return total;
}

struct alignas(16) aligned {
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(this); }
  long double number = 2.5L;
};

task<std::uintptr_t> aligned_local(char) {
  const aligned local;
  co_await yield();
  co_return local.address();
}

struct base {
  virtual ~base() = default;
  virtual task<std::string> name() = 0;
  task<std::string> twice() { co_return co_await name() + co_await name(); }
};
struct derived final : base {
  explicit derived(std::string n) : own(std::move(n)) {}
  task<std::string> name() override {
    co_await yield();
    co_return own;
  }
  std::string own;
};

}  // namespace

TEST_CASE("locals are destroyed once, in the reverse order, however the body is left",
          "[compiler]") {
  const auto destroyed = [](way how) {
    ledger objects;
    test_loop loop;
    loop.run([&]() -> task<> {
      try {
        co_await leave_by(how, objects);
      } catch (int) {
      }
    });
    CHECK(objects.alive == 0);
    CHECK(objects.wrong == 0);
    return objects.destroyed;
  };
  CHECK(destroyed(way::end) == numbers{3, 4, 2, 1});
  CHECK(destroyed(way::early) == numbers{3, 2, 1});
  CHECK(destroyed(way::brk) == numbers{3, 2, 1});
  CHECK(destroyed(way::exception) == numbers{3, 2, 1});
}

TEST_CASE("a suspended frame that is destroyed destroys what was made so far", "[compiler]") {
  ledger objects;
  gate door;
  {
    test_loop loop;
    const auto outer = [&]() -> task<> {
      const traced mine(objects, 5);
      co_await hold(traced(objects, 1), objects, door);
    };
    const auto handle = loop.spawn(outer);
    loop.loop().run_until([&] { return door.waiting() == 1; });
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
  CHECK(objects.destroyed == numbers{3, 2, 1, 5});
}

TEST_CASE("calls in calls, many times over", "[compiler]") {
  run_pattern([](ledger&) -> task<> { equal(co_await fibonacci(15), 610); });
}

TEST_CASE("frames of every size", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    equal(co_await large<1>(), 1);
    equal(co_await large<500>(), 500);
    equal(co_await large<1000>(), 1000);
    equal(co_await large<4000>(), 4000);
    equal(co_await large<8000>(), 8000);
    equal(co_await large<9000>(), 9000);
    equal(co_await large<200'000>(), 200'000);
  });
}

TEST_CASE("locals of 16-byte alignment", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    for (char c = 'a'; c < 'k'; ++c) equal(co_await aligned_local(c) % 16, 0u);
  });
}

TEST_CASE("parameters are moved into the frame and destroyed with it", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const auto body = [](traced value, const traced& reference,
                         std::unique_ptr<traced> owned) -> task<int> {
      co_await yield();
      co_return value.number() + reference.number() + owned->number();
    };
    traced moved(objects, 1);
    const traced stays(objects, 2);
    equal(co_await body(std::move(moved), stays, std::make_unique<traced>(objects, 4)), 7);
    CHECK(objects.destroyed.size() == 2);  // the value and what was owned
  });
}

TEST_CASE("virtual members", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    const std::unique_ptr<base> object =
        std::make_unique<derived>("a name that is longer than a string holds");
    const std::string name = "a name that is longer than a string holds";
    equal(co_await object->twice(), name + name);
  });
}

TEST_CASE("an optional local that is filled and emptied across suspensions", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    std::optional<traced> slot;
    for (int n = 0; n < 3; ++n) {
      slot.emplace(objects, n);
      co_await yield();
      CHECK(slot->number() == n);
      slot.reset();
      co_await yield();
    }
    CHECK(objects.destroyed == numbers{0, 1, 2});
  });
}

}  // namespace frames_test
