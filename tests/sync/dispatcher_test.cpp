#include <cetane/sync/dispatcher.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <optional>
#include <stdexcept>
#include <vector>

namespace dispatcher_test {

using cetane::acceptor;
using cetane::dispatcher;
using cetane::task;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> serve(acceptor<int> from, std::vector<int>& got) {
  while (auto item = co_await from.next()) got.push_back(*item);
}

}  // namespace

TEST_CASE("each item goes to one of those who accept, in turn", "[sync][dispatcher]") {
  std::vector<std::vector<int>> got(3);
  test_loop loop;
  {
    dispatcher<int> jobs;
    for (auto& own : got) (void)loop.spawn(serve, jobs.accept(), std::ref(own));
    for (int i = 0; i < 9; ++i) REQUIRE(jobs.dispatch(i));
    run_ready(loop);
    REQUIRE(jobs.waiting() == 0);
  }
  run_ready(loop);

  REQUIRE(got[0] == std::vector{0, 3, 6});
  REQUIRE(got[1] == std::vector{1, 4, 7});
  REQUIRE(got[2] == std::vector{2, 5, 8});
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("the first who accepts gets what has waited", "[sync][dispatcher]") {
  dispatcher<int> jobs;
  REQUIRE(jobs.dispatch(1));
  REQUIRE(jobs.dispatch(2));
  const acceptor<int> first = jobs.accept();
  const acceptor<int> second = jobs.accept();
  REQUIRE(first.size() == 2);
  REQUIRE(second.size() == 0);
}

TEST_CASE("what one has not taken goes to the others, or waits again", "[sync][dispatcher]") {
  dispatcher<int> jobs;
  test_loop loop;
  std::optional<acceptor<int>> first(jobs.accept());
  std::optional<acceptor<int>> second(jobs.accept());
  for (int i = 0; i < 4; ++i) REQUIRE(jobs.dispatch(i));
  first.reset();
  REQUIRE(second->size() == 4);
  loop.run([&]() -> task<> {
    const int item = co_await second->get();
    CHECK(item == 1);
  });
  second.reset();
  REQUIRE(jobs.waiting() == 3);
  const acceptor<int> third = jobs.accept();
  REQUIRE(third.size() == 3);
}

TEST_CASE("a dispatcher takes no more than its limit", "[sync][dispatcher]") {
  dispatcher<int> jobs(3);
  const acceptor<int> one = jobs.accept();
  for (int i = 0; i < 3; ++i) REQUIRE(jobs.dispatch(i));
  REQUIRE_FALSE(jobs.dispatch(3));
  REQUIRE(one.size() == 3);
}

TEST_CASE("an acceptor that was moved away says so", "[sync][dispatcher]") {
  dispatcher<int> jobs;
  acceptor<int> first = jobs.accept();
  acceptor<int> second = std::move(first);

  CHECK_THROWS_AS(first.get(), std::logic_error);
  CHECK_THROWS_AS(first.next(), std::logic_error);
  CHECK_THROWS_AS(first.size(), std::logic_error);
  CHECK(second.size() == 0);
}

TEST_CASE("a dispatcher without room is refused", "[sync][dispatcher]") {
  REQUIRE_THROWS_AS(dispatcher<int>(0), std::invalid_argument);
}

}  // namespace dispatcher_test
