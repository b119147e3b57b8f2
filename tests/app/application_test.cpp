#include <app/app_fixture.hpp>

#include <cetane/app/quickstart.hpp>
#include <cetane/app/run.hpp>
#include <cetane/base/errors.hpp>

#include <memory>
#include <stdexcept>
#include <vector>

namespace application_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE_METHOD(app_fixture, "background tasks run with what they were given, and are named",
                 "[app][application]") {
  std::vector<std::string> done;
  std::string tasks;
  const auto note = [](std::vector<std::string>& into,
                       const std::unique_ptr<std::string>& text) -> task<int> {
    co_await sleep(1ms);
    into.push_back(*text);
    co_return 5;
  };
  app.add_task(note, std::ref(done), std::make_unique<std::string>("first"));
  app.add_task(work_for_ever, 1h).label("the worker");
  app.add_task(work_for_ever, 1h);

  run([&]() -> task<> {
    app.add_task(note, std::ref(done), std::make_unique<std::string>("second"));
    co_await sleep(50ms);
    tasks = loop.loop().dump_tasks();
  });

  REQUIRE(done == std::vector<std::string>{"first", "second"});
  REQUIRE_THAT(tasks,
               ContainsSubstring("  the worker, ") && ContainsSubstring("test::work_for_ever, "));
}

TEST_CASE_METHOD(app_fixture,
                 "a background task that fails is logged once, and the application goes on",
                 "[app][application]") {
  const auto fail = []() -> task<> {
    co_await sleep(1ms);
    throw std::runtime_error("no more tea");
  };
  app.add_task(fail).label("tea");
  bool went_on = false;

  run([&]() -> task<> {
    co_await sleep(20ms);
    went_on = true;
  });

  REQUIRE(went_on);
  REQUIRE(log.of(log::level::error) ==
          std::vector<std::string>{"unhandled exception in tea: no more tea"});
}

TEST_CASE_METHOD(app_fixture, "many short tasks leave nothing behind", "[app][application]") {
  int count = 0;
  const auto tick = [](int& counted) -> task<> {
    ++counted;
    co_return;
  };

  run([&]() -> task<> {
    for (int i = 0; i < 1000; ++i) {
      app.add_task(tick, std::ref(count));
      co_await sleep(1us);
    }
  });

  REQUIRE(count == 1000);
}

TEST_CASE_METHOD(app_fixture, "a service that is added while the application runs listens at once",
                 "[app][application]") {
  std::string heard;
  std::optional<error> failure;

  run([&]() -> task<> {
    const service& s = app.add_service(service(echo_lines, 0));
    connection c = co_await connect_to(s);
    co_await c.send("hello\n");
    heard = co_await c.until_eol();
    try {
      app.add_service(service(echo_lines, s.port()));
    } catch (const error& e) {
      failure = e;
    }
  });

  REQUIRE(heard == "hello\n");
  REQUIRE(failure.has_value());
  REQUIRE(failure->code() == std::errc::address_in_use);
}

TEST_CASE_METHOD(
    app_fixture,
    "an application whose service cannot listen ends with status 3 and lets go of the others",
    "[app][application]") {
  service holder(echo_lines, 0);
  holder.start(loop);
  const service& first = app.add_service(service(echo_lines, 0));
  app.add_service(service(echo_lines, holder.port()));

  REQUIRE(app.run() == 3);

  service again(echo_lines, first.port());
  REQUIRE_NOTHROW(again.start(loop));
}

TEST_CASE_METHOD(app_fixture, "an application runs once", "[app][application]") {
  run([]() -> task<> { co_return; });

  REQUIRE_THROWS_AS(app.run(), std::logic_error);
}

TEST_CASE_METHOD(app_fixture, "fork in a background task goes to the application's group",
                 "[app][application]") {
  bool told = false;
  const auto later = [](bool& seen) -> task<> {
    co_await sleep(20ms);
    seen = true;
  };
  const auto parent = [later](bool& seen) -> task<> {
    fork(later, std::ref(seen));
    co_return;
  };
  app.add_task(parent, std::ref(told));

  run([&]() -> task<> { co_await sleep(100ms); });

  REQUIRE(told);
}

TEST_CASE("a program's own options are known as soon as they are added", "[app][application]") {
  std::string words[] = {"chat", "--motd", "hello", "--guests=12", "--quiet"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                  words[3].data(), words[4].data(), nullptr};
  application app(5, argv);

  REQUIRE(app.add_option("motd", "welcome", "the first line").text() == "hello");
  REQUIRE(app.add_option("guests", 5, "how many at most").number() == 12);
  REQUIRE(app.add_option("quiet", false, "say nothing").is_set());
  REQUIRE(app.add_option("pause", 30s, "how long to wait").span() == 30s);
  REQUIRE_THROWS_AS(app.add_option("port", 1, "taken"), std::invalid_argument);
}

TEST_CASE("a command line that is not understood is not followed", "[app][application]") {
  std::string words[] = {"chat", "--guests", "some"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  application app(3, argv);
  bool begun = false;
  const auto begin = [](bool& seen) -> task<> {
    seen = true;
    co_return;
  };
  app.add_option("guests", 5, "how many at most");
  app.add_task(begin, std::ref(begun));

  REQUIRE(app.run() == 2);
  REQUIRE_FALSE(begun);
}

TEST_CASE_METHOD(app_fixture, "quickstop stops the application that runs here",
                 "[app][application]") {
  const auto stopper = []() -> task<> {
    quickstop();
    co_return;
  };
  app.add_task(stopper);

  REQUIRE(app.run() == 0);
  REQUIRE_THROWS_AS(quickstop(), std::logic_error);
}

TEST_CASE_METHOD(app_fixture, "an application in an application is refused", "[app][application]") {
  std::string refusal;

  run([&]() -> task<> {
    test_loop other;
    application inner(other.loop());
    try {
      inner.run();
    } catch (const std::logic_error& e) {
      refusal = e.what();
    }
    co_return;
  });

  REQUIRE_THAT(refusal, ContainsSubstring("an event loop runs on this thread already"));
}

}  // namespace application_test
