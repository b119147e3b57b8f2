#include "backend/sim_schedule.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace sim_schedule_test {

using namespace std::chrono_literals;
using cetane::never;
using cetane::time_point;
using cetane::detail::sim_schedule;

namespace {

constexpr time_point start{1h};
using numbers = std::vector<int>;

}  // namespace

TEST_CASE("plans happen by time, and equal ones in the order of planning",
          "[backend][sim][not-epoll]") {
  sim_schedule schedule(start);
  numbers done;
  schedule.at(start + 2s, [&] { done.push_back(3); });
  schedule.at(start + 1s, [&] { done.push_back(1); });
  schedule.at(start + 2s, [&] { done.push_back(4); });
  schedule.at(start + 1s, [&] { done.push_back(2); });
  REQUIRE(schedule.next() == start + 1s);

  schedule.run_due();
  REQUIRE(done.empty());
  schedule.advance(start + 1s);
  schedule.run_due();
  REQUIRE(done == numbers{1, 2});
  schedule.advance(start + 2s);
  schedule.run_due();

  REQUIRE(done == numbers{1, 2, 3, 4});
  REQUIRE(schedule.next() == never);
}

TEST_CASE("what is planned for now while plans happen waits for the next turn",
          "[backend][sim][not-epoll]") {
  sim_schedule schedule(start);
  numbers done;
  schedule.at(start, [&] {
    done.push_back(1);
    schedule.at(start, [&] { done.push_back(2); });
  });

  schedule.run_due();
  REQUIRE(done == numbers{1});
  REQUIRE(schedule.next() == start);

  schedule.run_due();
  REQUIRE(done == numbers{1, 2});
}

TEST_CASE("a plan for the past happens now", "[backend][sim][not-epoll]") {
  sim_schedule schedule(start);
  bool done = false;
  schedule.at(start - 1s, [&] { done = true; });

  REQUIRE(schedule.next() == start);
  schedule.run_due();

  REQUIRE(done);
}

TEST_CASE("what is under way can be hastened, in its order and each by itself",
          "[backend][sim][not-epoll]") {
  sim_schedule schedule(start);
  std::vector<std::string> happened;
  const auto note = [&](const char* what) {
    return [&happened, what] { happened.push_back(what); };
  };
  schedule.under_way(start + 3h, note("third"));
  schedule.at(start + 2h, note("planned"));
  schedule.under_way(start + 1h, note("second"));
  schedule.under_way(start + 1ms, note("first"));

  schedule.hasten(start + 1s);

  REQUIRE(schedule.hastened_to() == start + 1s + 2ns);
  std::vector<time_point> times;
  while (schedule.next() != never) {
    times.push_back(schedule.next());
    schedule.advance(schedule.next());
    schedule.run_due();
  }
  REQUIRE(happened == std::vector<std::string>{"first", "second", "third", "planned"});
  REQUIRE(times == std::vector{start + 1ms, start + 1s + 1ns, start + 1s + 2ns, start + 2h});
}

}  // namespace sim_schedule_test
