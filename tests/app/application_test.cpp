#include <app/app_fixture.hpp>
#include <app/option_text.hpp>
#include <os/socket.hpp>

#include <cetane/app/quickstart.hpp>
#include <cetane/app/run.hpp>
#include <cetane/base/errors.hpp>

#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <unistd.h>

namespace application_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// What a call writes to stdout; less than a pipe holds.
std::string what_is_printed(const std::function<void()>& call) {
  unique_fd out;
  unique_fd in;
  REQUIRE(os::make_pipe(out, in) == 0);
  std::fflush(stdout);
  const unique_fd before(::dup(STDOUT_FILENO));
  {
    const scope_exit restore([&] { ::dup2(before.get(), STDOUT_FILENO); });
    REQUIRE(::dup2(in.get(), STDOUT_FILENO) >= 0);
    call();
    std::fflush(stdout);
  }
  in.reset();
  std::string text(64 * 1024, '\0');
  const ssize_t size = ::read(out.get(), text.data(), text.size());
  REQUIRE(size >= 0);
  return text.substr(0, static_cast<std::size_t>(size));
}

// The memory ends when this is asked what it waits for.
class unspeakable_wait final : public detail::waitable {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    frame.promise().context->suspend(frame, *this);
  }
  void await_resume() const { throw cancelled(cancel_reason::shutdown); }
  void cancel_wait(detail::task_context& task) noexcept override { task.loop->make_ready(task); }
  std::string describe_wait() const override {
    asked = true;
    throw std::bad_alloc();
  }
  mutable bool asked = false;
};

}  // namespace

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

TEST_CASE("the help text shows what the program has set", "[app][application]") {
  std::string words[] = {"chat", "--help"};
  char* argv[] = {words[0].data(), words[1].data(), nullptr};
  application usual(2, argv);
  application changed(2, argv);
  changed.drain(90s).backend(backend_choice::automatic);
  changed.add_service(service(echo_lines, 8013).host("0.0.0.0"));

  usual.add_service(service(echo_lines, 8013));

  const std::string before = what_is_printed([&] { REQUIRE(usual.run() == 0); });
  const std::string after = what_is_printed([&] { REQUIRE(changed.run() == 0); });

  CHECK_THAT(before, ContainsSubstring("works here (epoll)\n"));
  CHECK_THAT(before, ContainsSubstring("after a stop (5s)\n"));
  CHECK_THAT(before, ContainsSubstring("on this address (127.0.0.1)\n"));
  CHECK_THAT(after, ContainsSubstring("works here (auto)\n"));
  CHECK_THAT(after, ContainsSubstring("after a stop (90s)\n"));
  CHECK_THAT(after, ContainsSubstring("on this address (0.0.0.0)\n"));
  CHECK_THAT(after, ContainsSubstring("picks a free one (8013)\n"));
}

TEST_CASE("the help text of a program without a service has no place to listen at",
          "[app][application]") {
  std::string words[] = {"timer", "--help"};
  char* argv[] = {words[0].data(), words[1].data(), nullptr};
  application app(2, argv);

  const std::string help = what_is_printed([&] { REQUIRE(app.run() == 0); });

  for (const char* none : {"--host", "--port", "--uds"}) {
    CHECK_THAT(help, !ContainsSubstring(none));
  }
  CHECK_THAT(help, ContainsSubstring("--backend") && ContainsSubstring("--drain"));
}

TEST_CASE("the help text shows a program's own default as it can be typed", "[app][application]") {
  for (const auto& [span, text] :
       {std::pair(duration(30s), "30s"), std::pair(duration(2h), "120min"),
        std::pair(duration(1500ms), "1.5s"), std::pair(duration(250us), "0.25ms")}) {
    std::string words[] = {"chat", "--pause", text};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    application app(3, argv);

    const option& pause = app.add_option("pause", 1s, "how long to wait");

    CHECK(pause.span() == span);
    CHECK(detail::span_text(span) == text);
  }
}

TEST_CASE_METHOD(app_fixture, "a service that was moved away is refused", "[app][application]") {
  service echo(service(echo_lines, 0));
  app.add_service(std::move(echo));

  try {
    app.add_service(std::move(echo));
    FAIL("there is no service in it any more");
  } catch (const std::logic_error& e) {
    CHECK_THAT(e.what(), ContainsSubstring("add_service: this service was moved away"));
  }
}

TEST_CASE("without memory to show the tasks the program says so and goes on",
          "[app][application][not-sim]") {
  unspeakable_wait wait;
  application app;
  app.handle_signals();
  app.add_task([&]() -> task<> { co_await wait; });
  app.add_task([&]() -> task<> {
    ::raise(SIGUSR1);
    while (!wait.asked) co_await sleep(1ms);
    co_await sleep(1ms);
    app.stop();
  });

  REQUIRE(app.run() == 0);
  REQUIRE(wait.asked);
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
