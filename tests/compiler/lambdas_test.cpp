// Lambdas that are coroutines, and lambdas given to coroutines.
#include "patterns.hpp"

#include <functional>
#include <string>
#include <utility>

namespace lambdas_test {

namespace {

template <class Body>
task<int> call(Body body) {
  co_return co_await body();
}
template <class Body>
task<int> call_in_place(Body&& body) {
  co_return co_await body();
}
task<int> call_function(std::function<task<int>()> body) { co_return co_await body(); }

struct counter {
  task<int> add_later(int n) {
    const auto add = [this, n]() -> task<int> {
      co_await yield();
      total += n;
      co_return total;
    };
    co_return co_await add();
  }
  int total = 0;
};

}  // namespace

TEST_CASE("a named lambda with captures of its own", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const auto body = [held = traced(objects, 3), text = std::string(40, 'x')]() -> task<int> {
      co_await yield();
      co_return held.number() + static_cast<int>(text.size());
    };
    equal(co_await body(), 43);
    equal(co_await call(body), 43);
    equal(co_await call_in_place(body), 43);
    equal(co_await call_function(body), 43);
  });
}

TEST_CASE("a lambda within the expression that captures by reference or trivially", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    traced held(objects, 3);
    int n = 4;
    const int called = co_await call([&]() -> task<int> {
      co_await yield();
      co_return held.number() + n;
    });
    CHECK(called == 7);
    const int called_in_place = co_await call_in_place([&held, n]() -> task<int> {
      co_await yield();
      co_return held.number() + n;
    });
    CHECK(called_in_place == 7);
    equal(co_await call([p = &held]() -> task<int> { co_return p->number(); }), 3);
    const int called_at_once = co_await [&]() -> task<int> {
      co_await yield();
      co_return n;
    }();
    CHECK(called_at_once == 4);
  });
}

TEST_CASE("a lambda that changes its captures, and one with parameters of its own", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    auto next = [n = 0]() mutable -> task<int> {
      co_await yield();
      co_return ++n;
    };
    equal(co_await next(), 1);
    equal(co_await next(), 2);
    const auto sum = [](auto... parts) -> task<int> {
      co_await yield();
      co_return (0 + ... + parts.number());
    };
    equal(co_await sum(traced(objects, 1), traced(objects, 2)), 3);
  });
}

TEST_CASE("lambdas within lambdas", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const auto outer = [&](traced given) -> task<int> {
      const auto inner = [&, own = traced(objects, 10)]() -> task<int> {
        co_await yield();
        co_return own.number() + given.number();
      };
      co_await yield();
      co_return co_await inner() + co_await inner();
    };
    equal(co_await outer(traced(objects, 1)), 22);
  });
}

TEST_CASE("a lambda that calls itself", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    std::function<task<int>(int)> sum_to = [&](int n) -> task<int> {
      co_await yield();
      if (n == 0) co_return 0;
      co_return n + co_await sum_to(n - 1);
    };
    equal(co_await sum_to(20), 210);
  });
}

TEST_CASE("a lambda that captures the object it works for", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    counter c;
    equal(co_await c.add_later(2), 2);
    equal(co_await c.add_later(3), 5);
  });
}

TEST_CASE("a lambda that captures what was awaited", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const auto make = [&]() -> task<traced> {
      co_await yield();
      co_return traced(objects, 6);
    };
#if CETANE_TEST_GCC_12
    traced made = co_await make();
    const auto holds = [held = std::move(made)] { return held.number(); };
#else
    const auto holds = [held = co_await make()] { return held.number(); };
#endif
    CHECK(holds() == 6);
  });
}

}  // namespace lambdas_test
