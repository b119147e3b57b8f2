// How many hosts the fetch example asks at a time.

#include <app/app_fixture.hpp>

#include <cetane/cetane.hpp>

#include <algorithm>
#include <vector>

namespace fetch_test {

#include "../../examples/fetch.cpp"

using namespace cetane;
using namespace cetane::test;

namespace {

// Who is asked at the moment, and how many there have been at once.
struct hosts {
  countdown crowd{10};
  std::size_t asked_now = 0;
  std::size_t most = 0;
  std::size_t asked = 0;
};

std::vector<target> times(std::size_t count, const service& served) {
  return std::vector<target>(count, target{"127.0.0.1", served.port()});
}

// Answers when there is a crowd, so that the first ten are there at the same time.
task<> host(connection& peer, hosts& all) {
  co_await peer.until("\r\n\r\n");
  ++all.asked;
  all.most = std::max(all.most, ++all.asked_now);
  const scope_exit left([&] { --all.asked_now; });
  all.crowd.tick();
  co_await all.crowd.wait();
  co_await yield();
  co_await peer.send("a page");
}

task<> never_end(connection& peer) {
  for (;;) {
    co_await peer.send("more ");
    co_await sleep(1s);
  }
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "ten hosts are asked at a time, and all in the end",
                 "[examples][fetch]") {
  hosts all;
  const service& served = app.add_service(service(host, 0, std::ref(all)));

  run([&]() -> task<> { co_await fetch_all(times(25, served)); });

  REQUIRE(all.asked == 25);
  REQUIRE(all.most == 10);
}

TEST_CASE_METHOD(app_fixture, "a host that never ends its page is given up after 10 s",
                 "[examples][fetch][not-epoll]") {
  const service& served = app.add_service(service(never_end, 0));
  duration took{};

  run([&]() -> task<> {
    const time_point begin = now();
    co_await fetch_all(times(1, served));
    took = now() - begin;
  });

  REQUIRE(took >= 10s);
  REQUIRE(took < 11s);
}

}  // namespace fetch_test
