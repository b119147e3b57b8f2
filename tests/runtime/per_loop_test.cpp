#include <cetane/runtime/per_loop.hpp>

#include <cetane/runtime/loop_ref.hpp>
#include <cetane/runtime/spans_loops.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace per_loop_test {

using cetane::event_loop;
using cetane::per_loop;
using cetane::time_point;
using cetane::test::test_loop;

namespace {

void on(event_loop& loop, std::function<void()> fn) {
  REQUIRE(loop.post(std::move(fn)));
  loop.run_once(time_point::min());
}

struct shared {
  static constexpr bool spans_loops = true;
  std::mutex mutex;
};

}  // namespace

TEST_CASE("each loop has an object of its own, made when it is first asked for",
          "[runtime][per_loop]") {
  test_loop one;
  test_loop other;
  int made = 0;
  const per_loop<std::vector<int>> lists([&] {
    ++made;
    return std::vector<int>();
  });

  REQUIRE(made == 0);
  on(one, [&] { lists.here().push_back(1); });
  on(one, [&] { lists->push_back(2); });
  REQUIRE(made == 1);
  on(other, [&] { CHECK(lists.here().empty()); });

  REQUIRE(made == 2);
  on(one, [&] { CHECK(*lists == std::vector{1, 2}); });
}

TEST_CASE("copies stand for the same objects, and two of one type for different ones",
          "[runtime][per_loop]") {
  test_loop loop;
  const per_loop<std::string> first;
  const per_loop<std::string> second;
  const per_loop<std::string> copy = first;

  on(loop, [&] {
    first.here() = "first";
    CHECK(copy.here() == "first");
    CHECK(second.here().empty());
  });
}

TEST_CASE("an object ends with its loop, after the tasks and on that loop", "[runtime][per_loop]") {
  struct noting {
    explicit noting(std::string& to) : notes(&to) {}
    noting(const noting&) = delete;
    noting& operator=(const noting&) = delete;
    ~noting() { *notes += event_loop::current() != nullptr ? "object" : "nowhere"; }
    std::string* notes;
  };
  struct uses_it {
    explicit uses_it(const per_loop<noting>& of) : objects(of) {}
    ~uses_it() { *objects.here().notes += "task "; }
    per_loop<noting> objects;
  };
  std::string notes;
  const per_loop<noting> objects([&] { return noting(notes); });
  {
    test_loop loop;
    (void)loop.spawn([](std::shared_ptr<uses_it>) -> cetane::task<> { co_return; },
                     std::make_shared<uses_it>(objects));
  }

  REQUIRE(notes == "task object");
}

TEST_CASE("without a loop there is no object, and that is said", "[runtime][per_loop]") {
  const per_loop<int> numbers;

  REQUIRE_THROWS_AS(numbers.here(), std::logic_error);
}

TEST_CASE("what may cross from loop to loop is known when it is compiled", "[runtime][per_loop]") {
  struct plain {};
  struct with_state {
    int value;
  };
  using cetane::detail::crosses_loops;

  STATIC_REQUIRE(crosses_loops<int>);
  STATIC_REQUIRE(crosses_loops<std::string>);
  STATIC_REQUIRE(crosses_loops<cetane::duration>);
  STATIC_REQUIRE(crosses_loops<plain>);
  STATIC_REQUIRE(crosses_loops<const char*>);
  STATIC_REQUIRE(crosses_loops<void (*)(int)>);
  STATIC_REQUIRE(crosses_loops<per_loop<with_state>>);
  STATIC_REQUIRE(crosses_loops<cetane::loop_ref>);
  STATIC_REQUIRE(crosses_loops<std::reference_wrapper<shared>>);
  STATIC_REQUIRE(crosses_loops<std::shared_ptr<shared>>);
  STATIC_REQUIRE(crosses_loops<std::reference_wrapper<std::atomic<int>>>);
  STATIC_REQUIRE(crosses_loops<std::reference_wrapper<const with_state>>);
  STATIC_REQUIRE_FALSE(crosses_loops<shared>);
  STATIC_REQUIRE_FALSE(crosses_loops<with_state>);
  STATIC_REQUIRE_FALSE(crosses_loops<std::reference_wrapper<with_state>>);
  STATIC_REQUIRE_FALSE(crosses_loops<with_state*>);
  STATIC_REQUIRE_FALSE(crosses_loops<std::shared_ptr<with_state>>);
  STATIC_REQUIRE_FALSE(crosses_loops<std::function<void()>>);
}

}  // namespace per_loop_test
