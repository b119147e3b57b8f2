// co_await in every place of the language where an expression may stand.
#include "patterns.hpp"

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace expressions_test {

namespace {

task<int> value(int n) {
  co_await yield();
  co_return n;
}
task<int> at_once(int n) { co_return n; }
task<int> sum(int a, int b) { co_return a + co_await value(b); }
task<bool> less(int a, int b) {
  co_await yield();
  co_return a < b;
}
task<std::string> text(std::string word) {
  co_await yield();
  co_return word;
}
task<std::vector<int>> list(int count) {
  std::vector<int> numbers;
  for (int n = 1; n <= count; ++n) numbers.push_back(co_await value(n));
  co_return numbers;
}
task<std::pair<int, std::string>> pair() {
  co_await yield();
  co_return std::pair(1, std::string("one"));
}
task<traced> object(ledger& objects, int number) {
  co_await yield();
  co_return traced(objects, number);
}
task<int> of(traced a, traced b) {
  co_await yield();
  co_return a.number() + b.number();
}

struct point {
  point(int a, int b) : x(a), y(b) {}
  int x, y;
};

task<int> returned_from_switch(int n) {
  switch (co_await value(n)) {
    case 1:
      co_return co_await value(10);
    case 2: {
      const int more = co_await value(20);
      co_return more + 1;
    }
    default:
      co_return -1;
  }
}

}  // namespace

TEST_CASE("awaits as arguments of awaits", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    equal(co_await sum(co_await value(1), co_await value(2)), 3);
    equal(co_await sum(co_await sum(1, 2), co_await sum(co_await at_once(3), 4)), 10);
    equal(co_await of(co_await object(objects, 1), co_await object(objects, 2)), 3);
    equal(co_await of(traced(objects, 3), co_await object(objects, 4)), 7);
  });
}

TEST_CASE("awaits in conditions and loops", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    int n = 0;
    if (co_await less(1, 2)) n += 1;
    if (co_await less(2, 1))
      n += 100;
    else
      n += 2;
    if (const int got = co_await value(4); got == 4 && co_await less(n, got)) n += got;
    while (co_await less(n, 10)) ++n;
    do ++n;
    while (co_await less(n, 15));
    for (int i = co_await value(0); co_await less(i, 3); i += co_await value(1)) n += i;
    CHECK(n == 18);
    equal(co_await returned_from_switch(1), 10);
    equal(co_await returned_from_switch(2), 21);
    equal(co_await returned_from_switch(3), -1);
  });
}

TEST_CASE("only the operand that counts is awaited", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    int awaited = 0;
    const auto truth = [&](bool answer) -> task<bool> {
      co_await yield();
      ++awaited;
      co_return answer;
    };
    const bool both = co_await truth(false) && co_await truth(true);
    const bool either = co_await truth(true) || co_await truth(false);
    const int chosen = co_await truth(true) ? 1 : 2;
    CHECK(!both);
    CHECK(either);
    CHECK(chosen == 1);
    CHECK(awaited == 3);
  });
}

TEST_CASE("awaits in arithmetic, assignments and subscripts", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    int numbers[3] = {1, 2, 3};
    numbers[co_await value(1)] += co_await value(10);
    int n = 5;
    n = n * co_await value(2) - co_await at_once(3);
    n <<= co_await value(1);
    std::map<std::string, int> named;
    named[co_await text("a word that is long enough for the heap")] = co_await value(9);
    const auto found = (co_await value(0), co_await value(8));
    CHECK(numbers[1] == 12);
    CHECK(n == 14);
    CHECK(named.begin()->second == 9);
    CHECK(found == 8);
    equal(-co_await value(3), -3);
    equal(static_cast<long>(co_await value(3)), 3L);
  });
}

TEST_CASE("awaits among strings that are put together", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    const std::string joined = std::string(30, '<') + co_await text(std::string(30, 'x')) +
                               std::to_string(co_await value(7)) + std::string(30, '>');
    CHECK(joined == std::string(30, '<') + std::string(30, 'x') + "7" + std::string(30, '>'));
    equal((co_await text("word")).size(), 4);
    equal((co_await text("word")).append(co_await text("play")).substr(2), "rdplay");
  });
}

TEST_CASE("awaits in declarations", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const point p(co_await value(1), co_await value(2));
    CHECK(p.x + p.y == 3);
    const traced& bound = co_await object(objects, 1);
    CHECK(bound.number() == 1);
    auto&& forwarded = co_await object(objects, 2);
    CHECK(forwarded.number() == 2);
    auto result = co_await pair();
    auto& [number, word] = result;
    CHECK(number == 1);
    CHECK(word == "one");
    const auto owned = std::make_unique<traced>(co_await object(objects, 3));
    CHECK(owned->number() == 3);
    const std::unique_ptr<traced> made(new traced(objects, co_await value(4)));
    CHECK(made->number() == 4);
  });
}

TEST_CASE("an await as the range of a loop", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    int total = 0;
    for (const int n : co_await list(5)) total += co_await value(n);
    CHECK(total == 15);
  });
}

TEST_CASE("an await whose value is thrown", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    std::string caught;
    try {
#if CETANE_TEST_GCC_12
      const std::string why = co_await text("thrown");
      throw std::runtime_error(why);
#else
      throw std::runtime_error(co_await text("thrown"));
#endif
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    CHECK(caught == "thrown");
  });
}

}  // namespace expressions_test
