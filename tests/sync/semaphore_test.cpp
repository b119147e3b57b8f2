#include <cetane/sync/semaphore.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <utility>

namespace semaphore_test {

using Catch::Matchers::ContainsSubstring;
using cetane::semaphore;
using cetane::semaphore_permit;
using cetane::task;
using cetane::test::gate;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> hold(semaphore& s, std::size_t count, notes& in, char name, gate& until) {
  const semaphore_permit permit = co_await s.acquire(count);
  in += name;
  co_await until.wait();
}

}  // namespace

TEST_CASE("as many tasks as there are permits go on at a time", "[sync][semaphore]") {
  semaphore s(2);
  gate next;
  notes order;
  test_loop loop;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    (void)loop.spawn(hold, std::ref(s), 1, std::ref(order), name, std::ref(next));
  }
  run_ready(loop);
  REQUIRE(order == "ab");
  REQUIRE(s.available() == 0);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("semaphore, 1 wanted, 0 free"));
  next.open();
  run_ready(loop);
  REQUIRE(order == "abcd");
  next.open();
  run_ready(loop);
  next.open();
  run_ready(loop);

  REQUIRE(order == "abcde");
  REQUIRE(s.available() == 2);
}

TEST_CASE("who wants many permits is not overtaken by who wants few", "[sync][semaphore]") {
  semaphore s(3);
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(hold, std::ref(s), 2, std::ref(order), 'a', std::ref(next));
  (void)loop.spawn(hold, std::ref(s), 3, std::ref(order), 'b', std::ref(next));
  (void)loop.spawn(hold, std::ref(s), 1, std::ref(order), 'c', std::ref(next));
  run_ready(loop);
  REQUIRE(order == "a");
  REQUIRE_FALSE(s.try_acquire());
  next.open();
  run_ready(loop);
  REQUIRE(order == "ab");
  next.open();
  run_ready(loop);

  REQUIRE(order == "abc");
}

TEST_CASE("when the first in line is cancelled, those behind it get what is there",
          "[sync][semaphore]") {
  semaphore s(1);
  gate next;
  notes order;
  test_loop loop;
  auto greedy = loop.spawn(hold, std::ref(s), 2, std::ref(order), 'a', std::ref(next));
  (void)loop.spawn(hold, std::ref(s), 1, std::ref(order), 'b', std::ref(next));
  run_ready(loop);
  REQUIRE(order.empty());

  greedy.cancel();
  run_ready(loop);

  REQUIRE(order == "b");
}

TEST_CASE("permits may be released by anyone, and become more than at first", "[sync][semaphore]") {
  semaphore s(0);
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(hold, std::ref(s), 1, std::ref(order), 'a', std::ref(next));
  run_ready(loop);
  REQUIRE(order.empty());

  s.release(3);
  run_ready(loop);

  REQUIRE(order == "a");
  REQUIRE(s.available() == 2);
}

TEST_CASE("permits that are kept are not given back", "[sync][semaphore]") {
  semaphore s(2);
  {
    auto kept = s.try_acquire();
    auto given_back = s.try_acquire();
    REQUIRE((kept && given_back));
    kept->keep();
  }
  REQUIRE(s.available() == 1);
}

TEST_CASE("a loop that ends gives permits back, those of woken tasks too", "[sync][semaphore]") {
  semaphore s(2);
  gate next;
  notes order;
  {
    test_loop loop;
    for (const char name : {'a', 'b', 'c', 'd'}) {
      (void)loop.spawn(hold, std::ref(s), 1, std::ref(order), name, std::ref(next));
    }
    run_ready(loop);
    s.release();
  }
  REQUIRE(s.available() == 3);
}

TEST_CASE("permits that others are moved into are given back at once", "[sync][semaphore]") {
  semaphore s(3);
  test_loop loop;
  loop.run([&]() -> task<> {
    semaphore_permit held = co_await s.acquire(2);
    semaphore_permit next = co_await s.acquire();
    held = std::move(next);
    CHECK(s.available() == 2);
    CHECK_FALSE(next);
  });
  REQUIRE(s.available() == 3);
}

}  // namespace semaphore_test
