// Tasks of an application that are started again. Simulated time is exact; on a real clock the
// tests ask for what happens, and in which order.

#include <app/app_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/interval.hpp>
#include <cetane/conc/supervise.hpp>
#include <cetane/sync/queue.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

namespace keep_alive_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using strings = std::vector<std::string>;

restart_policy quick() { return restart_policy().backoff(1ms, 1ms); }

// What a task that runs again and again has seen.
struct runs {
  std::vector<time_point> begun;
  int ended = 0;
  std::optional<cancel_reason> cancelled_by;
};

task<> run_and_fail(runs& seen) {
  seen.begun.push_back(event_loop::current()->now());
  co_await yield();
  ++seen.ended;
  throw std::runtime_error("died");
}

task<> run_for(runs& seen, duration work) {
  seen.begun.push_back(event_loop::current()->now());
  try {
    co_await sleep(work);
  } catch (const cancelled& e) {
    seen.cancelled_by = e.reason;
    throw;
  }
  ++seen.ended;
}

task<> run_until_told(runs& seen, queue<int>& told) {
  seen.begun.push_back(event_loop::current()->now());
  (void)co_await told.next();
  ++seen.ended;
}

task<> wait_for_runs(const runs& seen, std::size_t count) {
  while (seen.begun.size() < count) co_await sleep(1ms);
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a task that is kept alive is started again with growing pauses",
                 "[app][keep_alive][not-epoll]") {
  runs seen;
  app.add_task(run_and_fail, std::ref(seen)).keep_alive(restart_policy().backoff(500ms, 2s));
  time_point begin;

  run([&]() -> task<> {
    begin = now();
    co_await sleep(6s);
  });

  std::vector<duration> starts;
  for (const time_point each : seen.begun) starts.push_back(each - begin);
  CHECK(starts == std::vector<duration>{0s, 500ms, 1500ms, 3500ms, 5500ms});
}

TEST_CASE_METHOD(app_fixture,
                 "KA-1: a task that is kept alive is started again half a second later",
                 "[app][keep_alive][not-epoll]") {
  runs seen;
  app.add_task(run_for, std::ref(seen), 0s).keep_alive();

  run([&]() -> task<> {
    co_await sleep(499ms);
    CHECK(seen.begun.size() == 1);
    co_await sleep(2ms);
    CHECK(seen.begun.size() == 2);
  });
}

TEST_CASE_METHOD(
    app_fixture,
    "KA-1, KA-2: a task is started again when it has ended or failed, and the log says so",
    "[app][keep_alive]") {
  runs seen;
  runs unnamed;
  app.add_task(run_and_fail, std::ref(seen)).label("refresh").keep_alive(quick());
  app.add_task(run_for, std::ref(unnamed), 0s).keep_alive(quick());

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 2);
    co_await wait_for_runs(unnamed, 2);
    CHECK(log.of(log::level::error).empty());  // of a failure during the stop there may be one
  });

  CHECK(log.has("refresh failed: died; starts again in 1 ms"));
  CHECK(log.has("run_for ended; starts again in 1 ms"));
}

TEST_CASE_METHOD(app_fixture,
                 "a task that dies too often is left alone, and the application goes on",
                 "[app][keep_alive]") {
  runs seen;
  runs quiet;
  app.add_task(run_and_fail, std::ref(seen)).label("refresh").keep_alive(quick().limit(2));
  app.add_task(run_for, std::ref(quiet), 0s).label("quiet").keep_alive(quick().limit(1));

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 3);
    co_await wait_for_runs(quiet, 2);
    co_await sleep(20ms);
  });

  CHECK(seen.begun.size() == 3);
  CHECK(quiet.begun.size() == 2);
  CHECK(log.has("refresh failed: died; not started again after 2 restarts"));
  strings errors = log.of(log::level::error);
  std::sort(errors.begin(), errors.end());
  CHECK(errors == strings{"quiet ended; not started again after 1 restarts",
                          "unhandled exception in refresh: died"});
}

TEST_CASE_METHOD(app_fixture, "a stop in the pause before a restart is the end of it, at once",
                 "[app][keep_alive]") {
  runs seen;
  runs patient;
  app.add_task(run_and_fail, std::ref(seen)).keep_alive(restart_policy().backoff(1h, 1h));
  app.add_task(run_and_fail, std::ref(patient))
      .keep_alive(restart_policy().backoff(1h, 1h))
      .grace(30min);

  run([&]() -> task<> {
    while (seen.ended + patient.ended < 2) co_await yield();
    co_await yield();
    stop();
  });

  CHECK(seen.begun.size() == 1);
  CHECK(patient.begun.size() == 1);
  if (on_sim()) CHECK(stopping() == 0s);
}

TEST_CASE_METHOD(app_fixture, "a stop cancels the run of a task that is kept alive",
                 "[app][keep_alive]") {
  runs seen;
  app.add_task(run_for, std::ref(seen), 1h).keep_alive(quick());

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 1);
    stop();
  });

  CHECK(seen.cancelled_by == cancel_reason::shutdown);
  CHECK(seen.begun.size() == 1);
  CHECK_FALSE(log.has("starts again"));
}

TEST_CASE_METHOD(app_fixture,
                 "a run that ends in the grace of its task is finished, and not started again",
                 "[app][keep_alive]") {
  runs seen;
  queue<int> told;
  app.add_task(run_until_told, std::ref(seen), std::ref(told)).keep_alive(quick()).grace(1h);
  app.on_stop([&] { told.close(); });

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 1);
    stop();
  });

  CHECK(seen.begun.size() == 1);
  CHECK(seen.ended == 1);
  CHECK_FALSE(log.has("starts again"));
}

TEST_CASE_METHOD(app_fixture, "a run that outlasts the grace of its task is cancelled then",
                 "[app][keep_alive][not-epoll]") {
  runs seen;
  app.add_task(run_for, std::ref(seen), 1h).keep_alive(quick()).grace(3s);

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 1);
    stop();
  });

  CHECK(seen.cancelled_by == cancel_reason::shutdown);
  CHECK(stopping() == 3s);
}

TEST_CASE_METHOD(app_fixture, "an error in the grace of a task is logged, and starts nothing again",
                 "[app][keep_alive]") {
  runs seen;
  queue<int> told;
  const auto fail_at_the_end = [](runs& of, queue<int>& by) -> task<> {
    co_await run_until_told(of, by);
    throw std::runtime_error("nothing to close");
  };
  app.add_task(fail_at_the_end, std::ref(seen), std::ref(told))
      .label("closer")
      .keep_alive(quick())
      .grace(1h);
  app.on_stop([&] { told.close(); });

  run([&]() -> task<> {
    co_await wait_for_runs(seen, 1);
    stop();
  });

  CHECK(seen.begun.size() == 1);
  CHECK(log.of(log::level::error) == strings{"unhandled exception in closer: nothing to close"});
}

TEST_CASE_METHOD(app_fixture, "a task that is added during the stop runs once in its grace",
                 "[app][keep_alive]") {
  runs seen;
  app.on_stop([&] { app.add_task(run_for, std::ref(seen), 1ms).keep_alive(quick()).grace(1h); });

  run([&]() -> task<> {
    stop();
    co_return;
  });

  CHECK(seen.begun.size() == 1);
  CHECK(seen.ended == 1);
}

TEST_CASE_METHOD(app_fixture, "what a task can be started with only once is not kept alive",
                 "[app][keep_alive]") {
  const auto consume = [](std::unique_ptr<int> what) -> task<int> { co_return *what; };
  task_entry& entry = app.add_task(consume, std::make_unique<int>(1));

  REQUIRE_THROWS_WITH(entry.keep_alive(), ContainsSubstring("called again and again"));
}

TEST_CASE_METHOD(app_fixture, "each run has the arguments as they were given, and text is kept",
                 "[app][keep_alive]") {
  strings seen;
  const auto note = [](strings& into, std::string by_value, const std::string& text) -> task<int> {
    into.push_back(by_value + text);
    by_value.clear();
    co_return 1;
  };
  app.add_task(note, std::ref(seen), std::string("one "), "two").keep_alive(quick());

  run([&]() -> task<> {
    while (seen.size() < 2) co_await sleep(1ms);
  });

  CHECK(seen[0] == "one two");
  CHECK(seen[1] == "one two");
}

TEST_CASE_METHOD(app_fixture,
                 "a task that fetches from a server comes back when the server has gone and come",
                 "[app][keep_alive]") {
  std::string forecast = "no forecast yet\n";
  int served = 0;
  const auto tell_once = [](connection& peer, int& times) -> task<> {
    ++times;
    co_await peer.print("rain {}\n", times);
    if (times % 2 == 1) co_return;  // and so the connection closes
    co_await peer.until_eol();
  };
  const service& source = app.add_service(service(tell_once, 0, std::ref(served)));
  const auto refresh = [](std::string& into, const service& from) -> task<> {
    connection c = co_await connect_to(from);
    for (;;) into = co_await c.until_eol();
  };
  app.add_task(refresh, std::ref(forecast), std::ref(source)).label("refresh").keep_alive(quick());

  run([&]() -> task<> {
    while (forecast != "rain 2\n") co_await sleep(1ms);
  });

  CHECK(log.has("refresh failed: "));
}

}  // namespace keep_alive_test
