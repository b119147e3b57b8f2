// The farewells of the session example, which take minutes on a real clock.

#include <app/app_fixture.hpp>

#include <cetane/cetane.hpp>

#include <vector>

namespace session_test {

#include "../../examples/session.cpp"

using namespace cetane;
using namespace cetane::test;

namespace {

struct heard {
  std::vector<std::string> lines;
  duration lasted{};
};

// Says `count` lines, one every `pause`, and gives what came back until the server had enough.
task<heard> say(const service& where, int count, duration pause) {
  connection server = co_await connect_to(where);
  const time_point begin = event_loop::current()->now();
  heard all;
  for (int number = 0;;) {
    if (number < count) (void)server.try_send(fmt::format("line {}\r\n", ++number));
    const time_point next = event_loop::current()->now() + pause;
    for (;;) {
      const auto answer =
          co_await move_on_after(next - event_loop::current()->now(), server.next_line());
      if (!answer) break;
      if (!*answer) {
        all.lasted = event_loop::current()->now() - begin;
        co_return all;
      }
      all.lines.push_back(**answer);
    }
  }
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "30 s of silence end the session with its farewell, not before",
                 "[examples][session][not-epoll]") {
  const service& served = app.add_service(service(session, 0));
  heard all;

  run([&]() -> task<> { all = co_await say(served, 3, 20s); });

  REQUIRE(all.lines == std::vector<std::string>{"you said line 1", "you said line 2",
                                                "you said line 3", "silent too long, bye"});
  REQUIRE(all.lasted >= 40s + 30s);
  REQUIRE(all.lasted < 40s + 31s);
}

TEST_CASE_METHOD(app_fixture, "10 min end the session with the other farewell, not before",
                 "[examples][session][not-epoll]") {
  const service& served = app.add_service(service(session, 0));
  heard all;

  run([&]() -> task<> { all = co_await say(served, 1000, 29s); });

  REQUIRE(all.lines.size() == 22);
  REQUIRE(all.lines[20] == "you said line 21");
  REQUIRE(all.lines[21] == "time is up, bye");
  REQUIRE(all.lasted >= 10min);
  REQUIRE(all.lasted < 10min + 1s);
}

}  // namespace session_test
