#include <app/worker_roster.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <vector>

namespace worker_roster_test {

using namespace cetane;
using namespace cetane::detail;
using namespace std::chrono_literals;
using order = worker_roster::order;

namespace {

/// A master that does at once what the roster says; its workers have the numbers 1, 2, ...
struct master {
  explicit master(std::size_t wanted) : roster(wanted) {}

  /// Does what is to be done; gives the numbers of those who were started, negative ones for those
  /// who were let go.
  std::vector<int> obey() {
    std::vector<int> done;
    for (;;) {
      const worker_roster::command command = roster.next(now);
      if (command.what == order::wait) return done;
      if (command.what == order::start) {
        roster.started(++last, now);
        done.push_back(last);
      } else {
        roster.leaves(command.worker);
        done.push_back(-command.worker);
      }
    }
  }

  /// Brings the first `count` workers up.
  void come_up(int count) {
    for (int i = 1; i <= count; ++i) {
      obey();
      roster.ready(i);
    }
    obey();
  }

  duration ends(int worker) { return roster.ended(worker, now); }

  worker_roster roster;
  time_point now{1h};
  int last = 0;
};

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("one worker is tried first, and the others when it has come up", "[app][prefork]") {
  master m(3);

  CHECK(m.obey() == numbers{1});
  m.roster.ready(1);

  CHECK(m.obey() == numbers{2, 3});
}

TEST_CASE("a worker that dies soon is replaced after a pause that doubles, up to ten seconds",
          "[app][prefork]") {
  master m(1);
  m.come_up(1);

  std::vector<duration> pauses;
  for (int worker = 1; worker <= 9; ++worker) {
    pauses.push_back(m.ends(worker));
    CHECK(m.roster.wake_at() == m.now + pauses.back());
    m.now += pauses.back() - 1ns;
    REQUIRE(m.obey().empty());
    m.now += 1ns;
    REQUIRE(m.obey() == numbers{worker + 1});
    m.roster.ready(worker + 1);
  }

  CHECK(pauses ==
        std::vector<duration>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10s, 10s});
}

TEST_CASE("a worker that has lived a while is replaced at once, and the pauses begin anew",
          "[app][prefork]") {
  master m(1);
  m.come_up(1);
  m.ends(1);
  m.now += 100ms;
  REQUIRE(m.obey() == numbers{2});
  m.roster.ready(2);
  m.now += 5s;

  CHECK(m.ends(2) == 0s);
  CHECK(m.obey() == numbers{3});
  m.roster.ready(3);
  CHECK(m.ends(3) == 100ms);
}

TEST_CASE("a restart replaces one after the other, and never has fewer than wanted",
          "[app][prefork]") {
  master m(2);
  m.come_up(2);

  m.roster.restart_all();

  CHECK(m.obey() == numbers{3});
  m.roster.ready(3);
  CHECK(m.obey() == numbers{-1, 4});
  m.roster.ready(4);
  CHECK(m.obey() == numbers{-2});
  CHECK(m.ends(1) < 0s);
  CHECK(m.ends(2) < 0s);
  CHECK(m.obey().empty());
}

TEST_CASE("a second restart in the middle of the first replaces all again", "[app][prefork]") {
  master m(1);
  m.come_up(1);
  m.roster.restart_all();
  REQUIRE(m.obey() == numbers{2});

  m.roster.restart_all();

  CHECK(m.obey() == numbers{-1, 3});
  m.roster.ready(3);
  CHECK(m.obey() == numbers{-2});
}

TEST_CASE("a replacement that dies is tried again, and the old worker stays until then",
          "[app][prefork]") {
  master m(1);
  m.come_up(1);
  m.roster.restart_all();
  REQUIRE(m.obey() == numbers{2});

  CHECK(m.ends(2) == 100ms);

  CHECK(m.obey().empty());
  m.now += 100ms;
  CHECK(m.obey() == numbers{3});
  m.roster.ready(3);
  CHECK(m.obey() == numbers{-1});
}

TEST_CASE("a worker that leaves by itself is replaced before it has ended", "[app][prefork]") {
  master m(2);
  m.come_up(2);

  m.roster.leaves(1);

  CHECK(m.obey() == numbers{3});
  CHECK(m.ends(1) < 0s);
}

TEST_CASE("after five attempts in vain there is no hope", "[app][prefork]") {
  master m(2);
  for (int worker = 1; worker <= 5; ++worker) {
    REQUIRE_FALSE(m.roster.hopeless());
    REQUIRE(m.obey() == numbers{worker});
    m.now += m.ends(worker);
  }

  CHECK(m.roster.hopeless());
}

TEST_CASE("nobody is started or missed once the end has begun", "[app][prefork]") {
  master m(2);
  m.come_up(2);

  m.roster.stop();

  CHECK(m.ends(1) < 0s);
  CHECK(m.obey().empty());
}

}  // namespace worker_roster_test
