#include <cetane/polling/poll.hpp>

#include "polling_fixture.hpp"

#include <cetane/base/errors.hpp>

#include <chrono>
#include <stdexcept>

namespace poll_test {

using namespace std::chrono_literals;
using namespace polling_fixture;
using cetane::polling::any;
using cetane::polling::events;
using cetane::polling::poll;
using cetane::polling::ready;
using found = std::vector<ready>;

TEST_CASE("poll says what has happened where", "[polling][poll]") {
  const both_ends talking, quiet;
  talking.say(talking.far);
  poll set;
  set.add(talking.near.get(), events::in);
  set.add(quiet.near.get(), events::in | events::out);

  CHECK(set.wait() == found{{talking.near.get(), events::in}, {quiet.near.get(), events::out}});
}

TEST_CASE("poll forgets what is removed and heeds what is changed", "[polling][poll]") {
  const both_ends one, two;
  poll set;
  set.add(one.near.get(), events::out);
  set.add(two.near.get());
  CHECK(set.size() == 2);

  set.remove(one.near.get());
  CHECK(set.wait(0s) == found{{two.near.get(), events::out}});
  set.modify(two.near.get(), events::in);
  CHECK(set.wait(0s).empty());
  set.add(two.near.get(), events::out);
  CHECK(set.wait(0s).size() == 1);
  set.remove(two.near.get());
  CHECK(set.size() == 0);
  CHECK(set.wait(0s).empty());
}

TEST_CASE("poll reports the end of the peer and a closed descriptor", "[polling][poll]") {
  both_ends gone, closed;
  poll set;
  set.add(gone.near.get(), events::in | events::peer_end);
  gone.far.reset();
  auto seen = set.wait();
  REQUIRE(seen.size() == 1);
  CHECK(any(seen[0].happened, events::hang_up));
  CHECK(any(seen[0].happened, events::peer_end));

  poll other;
  other.add(closed.near.get(), events::in);
  closed.near.reset();
  seen = other.wait();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].happened == events::invalid);
}

TEST_CASE("poll waits its time, in spite of signals", "[polling][poll]") {
  const both_ends pair;
  poll set;
  set.add(pair.near.get(), events::in);
  const auto begin = std::chrono::steady_clock::now();
  {
    const ticking signals([](int) {});
    CHECK(set.wait(5ms).empty());
  }
  CHECK(std::chrono::steady_clock::now() - begin >= 5ms);

  writes_to = pair.far.get();
  const ticking signals(write_after_five);
  CHECK(set.wait() == found{{pair.near.get(), events::in}});
}

TEST_CASE("poll refuses what it does not know", "[polling][poll]") {
  poll set;

  CHECK_THROWS_AS(set.add(-1), cetane::error);
  CHECK_THROWS_AS(set.modify(0, events::in), cetane::error);
  CHECK_THROWS_AS(set.remove(0), cetane::error);
  CHECK_THROWS_AS(set.wait(-1ms), std::invalid_argument);
}

}  // namespace poll_test
