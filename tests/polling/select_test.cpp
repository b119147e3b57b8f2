#include <cetane/polling/select.hpp>

#include "polling_fixture.hpp"

#include <cetane/base/errors.hpp>

#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <stdexcept>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>

namespace select_test {

using namespace std::chrono_literals;
using namespace polling_fixture;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using cetane::unique_fd;
using cetane::polling::select;
using fds = std::vector<int>;

TEST_CASE("select finds what can be read and what takes output", "[polling][select]") {
  const both_ends quiet, talking, full;
  talking.say(talking.far);
  full.fill(full.near);

  const auto found =
      select({talking.near.get(), quiet.near.get()}, {full.near.get(), quiet.near.get()}, {}, 0s);

  CHECK(found.readers == fds{talking.near.get()});
  CHECK(found.writers == fds{quiet.near.get()});
  CHECK(found.errors.empty());
  CHECK_FALSE(found.empty());
}

TEST_CASE("select reports in the order it was asked in", "[polling][select]") {
  const both_ends one, two;
  one.say(one.far);
  two.say(two.far);

  CHECK(select({two.near.get(), one.near.get()}, {}, {}).readers ==
        fds{two.near.get(), one.near.get()});
}

TEST_CASE("select with a timeout of zero only looks", "[polling][select]") {
  const both_ends quiet;

  CHECK(select({quiet.near.get()}, {}, {}, 0s).empty());
  CHECK(select({}, {}, {}, 0s).empty());
}

TEST_CASE("select never ends before its time", "[polling][select]") {
  const both_ends quiet;
  const auto begin = std::chrono::steady_clock::now();

  CHECK(select({quiet.near.get()}, {}, {}, 5ms).empty());

  CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
}

TEST_CASE("signals do not end a select", "[polling][select]") {
  const both_ends pair;
  writes_to = pair.far.get();
  const ticking signals(write_after_five);

  CHECK(select({pair.near.get()}, {}, {}).readers == fds{pair.near.get()});
}

TEST_CASE("select refuses a descriptor that does not fit into its sets", "[polling][select]") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_max <= FD_SETSIZE) SKIP("no descriptor of " << FD_SETSIZE << " or above here");
  const rlimit raised{FD_SETSIZE + 1, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, limit.rlim_cur > FD_SETSIZE ? &limit : &raised) == 0);
  const both_ends pair;
  const unique_fd high(::fcntl(pair.near.get(), F_DUPFD_CLOEXEC, FD_SETSIZE));
  REQUIRE(high);

  for (int place = 0; place < 3; ++place) {
    const fds given{high.get()};
    CHECK_THROWS_MATCHES(
        select(place == 0 ? given : fds(), place == 1 ? given : fds(), place == 2 ? given : fds()),
        cetane::error, MessageMatches(ContainsSubstring("use polling::poll or polling::epoll")));
  }
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_CASE("select names the descriptor that is not open", "[polling][select]") {
  CHECK_THROWS_MATCHES(select({-1}, {}, {}), cetane::error,
                       MessageMatches(ContainsSubstring("descriptor -1: bad file descriptor")));
  int number = -1;
  {
    const both_ends gone;
    number = gone.near.get();
  }
  CHECK_THROWS_AS(select({}, {number}, {}), cetane::error);
}

TEST_CASE("select refuses a negative timeout", "[polling][select]") {
  CHECK_THROWS_AS(select({}, {}, {}, -1ns), std::invalid_argument);
}

}  // namespace select_test
