#include <cetane/polling/epoll.hpp>

#include "polling_fixture.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/os/process.hpp>

#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>

#include <fcntl.h>

namespace epoll_test {

using namespace std::chrono_literals;
using namespace polling_fixture;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using cetane::polling::epoll;
using cetane::polling::events;
using cetane::polling::ready;
using cetane::polling::trigger;
using found = std::vector<ready>;

TEST_CASE("epoll reports a level as long as it lasts", "[polling][epoll]") {
  const both_ends pair;
  epoll set;
  set.add(pair.near.get(), events::in);
  CHECK(set.wait(0s).empty());

  pair.say(pair.far);

  const found expected{{pair.near.get(), events::in}};
  CHECK(set.wait() == expected);
  CHECK(set.wait() == expected);
  pair.drain(pair.near);
  CHECK(set.wait(0s).empty());
}

TEST_CASE("epoll reports an edge once, and one shot until it is asked again", "[polling][epoll]") {
  const both_ends edge, once;
  epoll set;
  set.add(edge.near.get(), events::in, trigger::edge);
  set.add(once.near.get(), events::in, trigger::one_shot);
  edge.say(edge.far);
  once.say(once.far);
  CHECK(set.wait().size() == 2);
  CHECK(set.wait(0s).empty());

  edge.say(edge.far);
  once.say(once.far);
  CHECK(set.wait() == found{{edge.near.get(), events::in}});
  set.modify(once.near.get(), events::in, trigger::one_shot);
  CHECK(set.wait() == found{{once.near.get(), events::in}});
}

TEST_CASE("epoll forgets what is removed", "[polling][epoll]") {
  const both_ends pair;
  epoll set;
  set.add(pair.near.get(), events::out);
  CHECK(set.wait().size() == 1);

  set.remove(pair.near.get());

  CHECK(set.wait(0s).empty());
}

TEST_CASE("epoll reports no more at once than it is asked for", "[polling][epoll]") {
  const both_ends one, two;
  epoll set;
  set.add(one.near.get(), events::out);
  set.add(two.near.get(), events::out);

  CHECK(set.wait(0s, 1).size() == 1);
  CHECK(set.wait(0s, 2).size() == 2);
  CHECK_THROWS_AS(set.wait(0s, 0), std::invalid_argument);
}

TEST_CASE("epoll waits its time, in spite of signals", "[polling][epoll]") {
  const both_ends pair;
  epoll set;
  set.add(pair.near.get(), events::in);
  const auto begin = std::chrono::steady_clock::now();
  {
    const ticking signals([](int) {});
    CHECK(set.wait(5500us).empty());
  }
  CHECK(std::chrono::steady_clock::now() - begin >= 5500us);

  writes_to = pair.far.get();
  const ticking signals(write_after_five);
  CHECK(set.wait() == found{{pair.near.get(), events::in}});
}

TEST_CASE("epoll says what is wrong with a descriptor", "[polling][epoll]") {
  const both_ends pair;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  epoll set;
  set.add(pair.near.get(), events::in);

  CHECK_THROWS_MATCHES(set.add(pair.near.get(), events::in), cetane::error,
                       MessageMatches(ContainsSubstring("added already; modify()")));
  CHECK_THROWS_MATCHES(set.remove(pair.far.get()), cetane::error,
                       MessageMatches(ContainsSubstring("it was not added")));
  CHECK_THROWS_MATCHES(set.modify(-1, events::in), cetane::error,
                       MessageMatches(ContainsSubstring("descriptor -1: bad file descriptor")));
  CHECK_THROWS_MATCHES(set.add(::fileno(file.get()), events::in), cetane::error,
                       MessageMatches(ContainsSubstring("it is a file")));
  CHECK_THROWS_AS(set.wait(-1s), std::invalid_argument);
}

TEST_CASE("an epoll object owns its descriptor", "[polling][epoll]") {
  epoll one;
  const int number = one.fileno();
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);

  epoll other = std::move(one);
  CHECK(other.fileno() == number);
  CHECK(one.fileno() == -1);
  other.close();
  CHECK(other.fileno() == -1);
  CHECK(::fcntl(number, F_GETFD) == -1);
  other.close();
  CHECK_THROWS_AS(other.wait(0s), cetane::error);
}

TEST_CASE("a child process cannot disturb its parent's epoll object", "[polling][epoll][fork]") {
  const both_ends pair;
  epoll set;
  set.add(pair.near.get(), events::out);

  auto child = cetane::fork_process([&] {
    if (set.fileno() != -1) return 1;
    try {
      set.remove(pair.near.get());
      return 2;
    } catch (const cetane::error&) {
      return 0;
    }
  });

  CHECK(child.wait().number() == 0);
  CHECK(set.wait(0s).size() == 1);
}

}  // namespace epoll_test
