#include <cetane/coro/task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace task_test {

using cetane::task;
using cetane::test::gate;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

template <class T>
concept awaitable_when_named = requires(T& named) {
  named.operator co_await();
};

static_assert(!std::move_constructible<task<>> && !std::is_copy_constructible_v<task<>>);
static_assert(!std::is_move_assignable_v<task<int>> && !std::is_copy_assignable_v<task<int>>);
static_assert(!awaitable_when_named<task<>>);
static_assert(std::same_as<task<std::string>::value_type, std::string>);
static_assert(std::same_as<task<>, task<void>>);

task<int> count_begin(int& begun, traced) {
  ++begun;
  co_return begun;
}

struct no_default {
  explicit no_default(int n) : value(n) {}
  int value;
};

task<std::string> text() { co_return "a literal"; }
task<std::vector<int>> braces() { co_return {1, 2, 3}; }
task<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(7); }
task<no_default> without_default() { co_return no_default(5); }
task<std::optional<int>> nothing() { co_return std::nullopt; }
task<long double> sixteen_bytes_aligned(long double x) { co_return x / 2; }
task<int&> reference(int& to) { co_return to; }
task<const std::string&> const_reference(const std::string& to) { co_return to; }
task<traced> give(ledger& objects) { co_return traced(objects, 1); }

task<> fail_with(auto what) {
  co_await std::suspend_never();
  throw what;
}
task<int&> fail_by_reference() {
  co_await std::suspend_never();
  throw std::runtime_error("no int to refer to");
}

struct throws_when_destroyed {
  throws_when_destroyed() = default;
  ~throws_when_destroyed() noexcept(false) { throw std::runtime_error("from a destructor"); }
};

struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(throws_when_moved&&) { throw std::runtime_error("from a move"); }
};

task<traced> value_then_exception(ledger& objects) {
  const throws_when_destroyed last;
  co_return traced(objects, 1);
}

task<traced> value_twice(ledger& objects) {
  try {
    const throws_when_destroyed last;
    co_return traced(objects, 1);
  } catch (const std::runtime_error&) {
  }
  co_return traced(objects, 2);
}

}  // namespace

TEST_CASE("a call that is not awaited never begins and destroys its arguments", "[coro][task]") {
  ledger objects;
  int begun = 0;

  (void)count_begin(begun, traced(objects, 1));

  REQUIRE(begun == 0);
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}

TEST_CASE("a call begins when it is awaited", "[coro][task]") {
  test_loop loop;
  ledger objects;
  int begun = 0;
  REQUIRE(loop.run([&]() -> task<int> {
    co_return co_await count_begin(begun, traced(objects, 1));
  }) == 1);
  REQUIRE(begun == 1);
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}

TEST_CASE("a call gives its caller a value of any type", "[coro][task]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const std::string word = co_await text();
    CHECK(word == "a literal");
    const std::vector<int> counted = co_await braces();
    CHECK(counted == std::vector{1, 2, 3});
    const std::unique_ptr<int> moved = co_await move_only();
    CHECK(*moved == 7);
    const no_default built = co_await without_default();
    CHECK(built.value == 5);
    const std::optional<int> none = co_await nothing();
    CHECK_FALSE(none.has_value());
    const long double halved = co_await sixteen_bytes_aligned(3.0L);
    CHECK(halved == 1.5L);
  });
}

TEST_CASE("a call that returns a reference gives the very object", "[coro][task]") {
  test_loop loop;
  int number = 1;
  const std::string word = "word";
  loop.run([&]() -> task<> {
    int& same = co_await reference(number);
    CHECK(&same == &number);
    co_await reference(number) = 2;
    const std::string& same_word = co_await const_reference(word);
    CHECK(&same_word == &word);
  });
  REQUIRE(number == 2);
}

TEST_CASE("a result is destroyed once, whether it is used or not", "[coro][task]") {
  test_loop loop;
  ledger objects;
  loop.run([&]() -> task<> {
    const traced kept = co_await give(objects);
    co_await give(objects);
    CHECK(kept.number() == 1);
    CHECK(objects.alive == 1);
  });
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
  REQUIRE(objects.destroyed == std::vector{1, 1});
}

TEST_CASE("an exception of any type reaches the caller", "[coro][task]") {
  test_loop loop;
  CHECK_THROWS_AS(loop.run([]() -> task<> { co_await fail_with(std::out_of_range("x")); }),
                  std::out_of_range);
  CHECK_THROWS_AS(loop.run([]() -> task<> { co_await fail_with(42); }), int);
  CHECK_THROWS_AS(loop.run([]() -> task<> { co_await fail_by_reference(); }), std::runtime_error);
}

TEST_CASE("an exception in an argument's copy reaches the caller, and nothing begins",
          "[coro][task]") {
  test_loop loop;
  int begun = 0;
  const auto take = [&](throws_when_moved) -> task<> {
    ++begun;
    co_return;
  };
  loop.run([&]() -> task<> {
    throws_when_moved argument;
    bool thrown = false;
    try {
      co_await take(std::move(argument));
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
  });
  REQUIRE(begun == 0);
}

TEST_CASE("an exception from a destructor after the value takes the value's place",
          "[coro][task]") {
  test_loop loop;
  ledger objects;
  CHECK_THROWS_AS(loop.run([&]() -> task<> { co_await value_then_exception(objects); }),
                  std::runtime_error);
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("a second value after such an exception replaces the first", "[coro][task]") {
  test_loop loop;
  ledger objects;
  loop.run([&]() -> task<> {
    const traced got = co_await value_twice(objects);
    CHECK(got.number() == 2);
  });
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("a call's locals are gone and its arguments still there when the caller goes on",
          "[coro][task]") {
  test_loop loop;
  ledger objects;
  const auto callee = [](ledger& in, traced) -> task<int> {
    const traced local(in, 2);
    co_return in.alive;
  };
  loop.run([&]() -> task<> {
    const int alive_then = (co_await callee(objects, traced(objects, 1))) + 0 * objects.alive;
    CHECK(alive_then >= 2);
    CHECK(objects.alive == 0);
  });
  REQUIRE(objects.destroyed == std::vector{2, 1});
}

TEST_CASE("references to temporaries of the same expression live as long as the call",
          "[coro][task]") {
  test_loop loop;
  gate door;
  const auto read_later = [&](const std::string& word, const traced&) -> task<std::string> {
    co_await door.wait();
    co_return word;
  };
  ledger objects;
  std::string got;
  const auto caller = [&]() -> task<> {
    got = co_await read_later(std::string("a word that is too long for the object itself"),
                              traced(objects, 1));
  };
  const auto handle = loop.spawn(caller);
  loop.loop().run_until([&] { return door.waiting() == 1; });
  REQUIRE(objects.alive == 1);

  door.open();
  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(got == "a word that is too long for the object itself");
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}

TEST_CASE("every frame knows its function before it begins and its line once it awaits",
          "[coro][task]") {
  test_loop loop;
  gate door;
  const auto waiter = [&]() -> task<> { co_await door.wait(); };
  const unsigned line_of_await = __LINE__ - 1;
  const auto handle = loop.spawn(waiter);
  cetane::detail::task_context* context = nullptr;
  loop.loop().scope().for_each_task([&](cetane::detail::task_context& found) { context = &found; });
  REQUIRE(context != nullptr);
  const auto& frame = cetane::detail::promise_base::of(context->root);
  const std::string name = frame.location().function_name();
  CHECK(name.find("lambda") + name.find("anonymous class") != 2 * std::string::npos);

  loop.loop().run_until([&] { return door.waiting() == 1; });

  CHECK(frame.location().line() == line_of_await);
  CHECK(std::string(frame.location().file_name()).ends_with("task_test.cpp"));
  door.open();
  loop.loop().run_until([&] { return handle.done(); });
}

}  // namespace task_test
