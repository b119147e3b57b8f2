#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <regex>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using cetane::event_loop;
using cetane::task;
using cetane::test::gate;
using cetane::test::test_loop;

namespace {

task<> wait_at(gate& door) { co_await door.wait(); }
constexpr unsigned line_of_wait = __LINE__ - 1;

task<> outer(gate& door) { co_await wait_at(door); }
constexpr unsigned line_of_call = __LINE__ - 1;

task<> descend(int levels, gate& door) {
  if (levels == 0) co_return co_await door.wait();
  co_await descend(levels - 1, door);
}

// "    wait_at at /where/ever/dump_tasks_test.cpp:23", without what differs from machine to
// machine.
std::string without_folders(const std::string& text) {
  std::string plain;
  std::size_t begin = 0;
  for (std::size_t at = text.find(" at "); at != std::string::npos; at = text.find(" at ", begin)) {
    const std::size_t name = text.find_last_of('/', text.find('\n', at));
    plain.append(text, begin, at + 4 - begin);
    begin = name != std::string::npos && name > at ? name + 1 : at + 4;
  }
  return plain + text.substr(begin);
}

// Since a second may begin at any moment where time is real.
std::string without_ages(const std::string& text) {
  static const std::regex age("([0-9]+ to )?[0-9]+ s old");
  return std::regex_replace(text, age, "N s old");
}

std::string place(std::string_view function, unsigned line) {
  return "    " + std::string(function) + " at dump_tasks_test.cpp:" + std::to_string(line) + "\n";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a task is told with label, age, what it waits for and its await stack",
          "[runtime][dump]") {
  test_loop test;
  gate door;
  (void)test.spawn(outer, std::ref(door)).label("the one");
  test.loop().run_until([&] { return door.waiting() == 1; });

  const std::string text = without_ages(without_folders(test.loop().dump_tasks()));

  REQUIRE(text == "1 task\n  the one, N s old: gate\n" + place("wait_at", line_of_wait) +
                      place("outer", line_of_call));
}

TEST_CASE("tasks with the same stack are told together", "[runtime][dump]") {
  test_loop test;
  gate door;
  for (int i = 0; i < 1000; ++i) (void)test.spawn(wait_at, std::ref(door));
  (void)test.spawn(outer, std::ref(door));
  test.loop().run_until([&] { return door.waiting() == 1001; });

  const std::string text = without_ages(without_folders(test.loop().dump_tasks()));

  CHECK(text == "1001 tasks\n  outer, N s old: gate\n" + place("wait_at", line_of_wait) +
                    place("outer", line_of_call) + "  wait_at, 1000 tasks, N s old: gate\n" +
                    place("wait_at", line_of_wait));
}

TEST_CASE("ages are told in seconds on the loop's clock", "[runtime][dump][not-epoll]") {
  test_loop test;
  gate door;
  (void)test.spawn(wait_at, std::ref(door));
  test.run([]() -> task<> { co_await cetane::sleep(30s); });
  (void)test.spawn(wait_at, std::ref(door));
  test.run([]() -> task<> { co_await cetane::sleep(12s); });

  CHECK(has(test.loop().dump_tasks(), "wait_at, 2 tasks, 12 to 42 s old: gate"));
}

TEST_CASE("sleepers tell how long, and are together whatever is left", "[runtime][dump]") {
  test_loop test;
  const auto sleeper = [](int seconds) -> task<> { co_await cetane::sleep(seconds); };
  (void)test.spawn(sleeper, 3600).label("sleeper");
  (void)test.spawn(sleeper, 7200).label("sleeper");
  const auto forever = []() -> task<> { co_await cetane::sleep_until(cetane::never); };
  (void)test.spawn(forever).label("rock");
  test.loop().run_once(cetane::time_point::min());

  const std::string text = without_ages(test.loop().dump_tasks());

  CAPTURE(text);
  CHECK(has(text, "rock, N s old: sleep for ever\n"));
  CHECK(has(text, "sleeper, 2 tasks, N s old: sleep, "));
}

TEST_CASE("sleepers are together in whatever unit the rest is told", "[runtime][dump][not-epoll]") {
  test_loop test;
  const auto sleeper = [](cetane::duration span) -> task<> { co_await cetane::sleep(span); };
  for (const cetane::duration span : {cetane::duration(3600s), cetane::duration(7200500ms),
                                      cetane::duration(999ms), cetane::duration(1s)}) {
    (void)test.spawn(sleeper, span).label("sleeper");
  }
  test.loop().run_once(cetane::time_point::min());

  CHECK(has(test.loop().dump_tasks(), "sleeper, 4 tasks, 0 to 0 s old: sleep, 1 h left"));
}

TEST_CASE("a task that joins tells whom", "[runtime][dump]") {
  test_loop test;
  gate door;
  auto joined = test.spawn(wait_at, std::ref(door)).label("slow one");
  const auto joins = [&]() -> task<> { co_await joined; };
  (void)test.spawn(joins).label("joiner");
  test.loop().run_until([&] { return door.waiting() == 1; });
  test.loop().run_once(cetane::time_point::min());
  CHECK(has(without_ages(test.loop().dump_tasks()), "joiner, N s old: join slow one\n"));
}

TEST_CASE("a label cannot play tricks on the terminal that shows it", "[runtime][dump]") {
  test_loop test;
  gate door;
  const auto named = test.spawn(wait_at, std::ref(door)).label("anna\x1b[2J\n1000 tasks");
  test.loop().run_until([&] { return door.waiting() == 1; });

  const std::string text = test.loop().dump_tasks();

  CHECK(has(text, "  anna\\x1b[2J\\n1000 tasks, 0 s old: gate\n"));
}

TEST_CASE("the running task and those that are ready are told as such", "[runtime][dump]") {
  test_loop test;
  gate door;
  std::string text;
  const auto dumps = [&]() -> task<> {
    text = without_ages(without_folders(test.loop().dump_tasks()));
    co_return;
  };
  auto running = test.spawn(dumps).label("me");
  (void)test.spawn(wait_at, std::ref(door)).label("not begun");
  test.loop().run_until([&] { return running.done(); });

  CHECK(has(text, "  me, N s old: running\n"));
  CHECK(has(text, "  not begun, N s old: ready\n    wait_at at dump_tasks_test.cpp:"));
}

TEST_CASE("of a deep stack both ends are told", "[runtime][dump]") {
  test_loop test;
  gate door;
  (void)test.spawn(descend, 100'000, std::ref(door)).label("deep");
  test.loop().run_until([&] { return door.waiting() == 1; });

  const std::string text = test.loop().dump_tasks();

  CHECK(has(text, "    ... 99981 more\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2 + 20 + 1);
}

TEST_CASE("a loop without tasks says so", "[runtime][dump]") {
  test_loop test;
  REQUIRE(test.loop().dump_tasks() == "0 tasks\n");
}
