// The steps of a stop. Simulated time is exact; on a real clock the tests ask for the order and
// "not early" only.

#include <app/app_fixture.hpp>
#include <support/forwarding_backend.hpp>
#include <support/make_test_backend.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/all.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <coroutine>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace stop_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Long for a simulation, short for a test on a real clock.
duration spans(duration simulated) { return on_sim() ? simulated : simulated / 100; }

// What a task saw when it was cancelled.
struct cancellation {
  std::optional<cancel_reason> reason;
  time_point at;
};

task<> wait_for_ever(cancellation& seen) {
  try {
    co_await sleep(10h);
  } catch (const cancelled& e) {
    seen.reason = e.reason;
    seen.at = event_loop::current()->now();
    throw;
  }
}

task<> serve_for_ever(connection& peer, cancellation& seen) {
  co_await peer.send("begun\n");
  co_await wait_for_ever(seen);
}

// A wait that nothing ends, not even a cancellation.
class deaf_wait final : public detail::waitable {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    frame.promise().context->suspend(frame, *this);
  }
  void await_resume() const noexcept {}
  void cancel_wait(detail::task_context&) noexcept override {}
  std::string describe_wait() const override { return "nothing"; }
};

// Sets `ended_at` when its frame is destroyed, which is all that can end it.
task<> be_deaf(std::optional<time_point>& ended_at) {
  const scope_exit leave([&] { ended_at = event_loop::current()->now(); });
  deaf_wait wait;
  co_await wait;
}

task<> serve_deafly(connection& peer, std::optional<time_point>& ended_at) {
  co_await peer.send("begun\n");
  co_await be_deaf(ended_at);
}

// Handlers that catch every error in a loop and go on, each with something else that fails.
task<> read_on_for_ever(connection& peer) {
  for (;;) {
    try {
      co_await peer.until_eol();
    } catch (const std::exception&) {
    }
  }
}

task<> choose_for_ever(connection& peer) {
  for (;;) {
    try {
      co_await first(peer.until_eol(), sleep(10h));
    } catch (const std::exception&) {
    }
  }
}

task<> send_for_ever(connection& peer) {
  for (;;) {
    try {
      co_await peer.send("are you there?\n");
      co_await peer.until_eol();
    } catch (const std::exception&) {
      peer.abort();
    }
  }
}

// While its time stands still no look at the network is due that was put off.
class stopping_clock final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  time_point now() noexcept override { return stopped_ ? *stopped_ : forwarding_backend::now(); }
  void stop() { stopped_ = now(); }
  void go_on() { stopped_.reset(); }

 private:
  std::optional<time_point> stopped_;
};

task<> pump(connection& from, connection& to) {
  while (auto bytes = co_await from.next_chunk()) co_await to.send(*bytes);
  co_await to.send_eof();
}

task<> forward(connection& client, std::uint16_t port) {
  connection server = co_await connect("127.0.0.1", port);
  co_await all(pump(client, server), pump(server, client));
}

// Answers each line in a task of its own, which takes its time.
task<> work_in_a_group(connection& peer, duration work) {
  const auto answer = [](connection& to, std::string line, duration takes) -> task<> {
    co_await sleep(takes);
    co_await to.send("done ", line);
  };
  co_await with_group([&](group& tasks) -> task<> {
    while (auto line = co_await peer.next_line())
      tasks.spawn(answer, std::ref(peer), *line + "\n", work);
  });
}

task<> read_in_a_group(connection& peer) {
  const auto read = [](connection& from) -> task<> {
    while (co_await move_on_after(10h, from.next_line())) {
    }
  };
  co_await with_group([&](group& outer) -> task<> {
    outer.spawn([&]() -> task<> { co_await all(read(peer)); });
    co_return;
  });
}

bool holds_in_time(duration measured, duration wanted) {
  return on_sim() ? measured == wanted : measured >= wanted;
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a stop takes no time when nothing goes on", "[app][stop]") {
  app.add_service(service(echo_lines, 0));

  const int status = run([&]() -> task<> {
    stop();
    co_return;
  });

  REQUIRE(status == 0);
  if (on_sim()) REQUIRE(stopping() == 0s);
  REQUIRE(log.has("stopping: 0 connections, up to 5 s"));
  REQUIRE(log.has("stopped: 0 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture,
                 "a stop ends handlers that wait for input at once, and nobody else can come",
                 "[app][stop]") {
  const service& s = app.add_service(service(echo_lines, 0));
  std::string heard;
  bool refused = false;

  run([&]() -> task<> {
    connection one = co_await connect_to(s);
    connection other = co_await connect_to(s);
    co_await one.send("hello\n");
    heard = co_await one.until_eol();
    co_await other.send("hello\n");
    heard += co_await other.until_eol();
    stop();
    heard += co_await one.until_eof();
    try {
      co_await connect_to(s);
    } catch (const connect_error&) {
      refused = true;
    }
  });

  REQUIRE(heard == "hello\nhello\n");
  REQUIRE(refused);
  REQUIRE(stopping() < 1s);
  REQUIRE(log.has("stopping: 2 connections, up to 5 s"));
  REQUIRE(log.has("stopped: 2 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture,
                 "NEW-25, W15 a stop runs the destructors of all tasks and flushes their replies",
                 "[app][stop]") {
  const std::string text = pattern(2'000'000);
  int alive = 0;
  const auto background = [](int& count) -> task<> {
    const scope_exit leave([&] { --count; });
    ++count;
    co_await sleep(10h);
  };
  const auto handler = [background](connection& peer, const std::string& sent,
                                    int& count) -> task<> {
    const scope_exit leave([&] {
      --count;
      peer.try_send("bye");
    });
    ++count;
    fork(background, std::ref(count));
    auto child = spawn(background, std::ref(count));
    static_cast<void>(peer.send(sent));
    co_await peer.until_eol();
  };
  connection_limits roomy;
  roomy.output_bytes = 4'000'000;
  const service& s =
      app.add_service(service(handler, 0, std::ref(text), std::ref(alive)).limits(roomy));
  app.add_task(background, std::ref(alive));
  std::string heard;
  int most_alive = 0;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    const std::string first = co_await c.receive(1000);
    most_alive = alive;
    stop();
    heard = first + co_await c.until_eof();
  });

  REQUIRE(most_alive == 4);
  REQUIRE(alive == 0);
  REQUIRE(heard == text + "bye");
  REQUIRE(log.has("stopped: 1 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture, "a handler at work finishes it, within the drain limit",
                 "[app][stop]") {
  const service& s = app.drain(5s).add_service(service(read_then_work, 0, spans(4s)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("the work\n");
    co_await sleep(spans(1s));
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "done the work\n");
  REQUIRE(stopping() < spans(3s) + 1s);
  REQUIRE(log.has("stopped: 1 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture, "a handler that comes to wait for input during a stop ends there",
                 "[app][stop]") {
  const auto handler = [](connection& peer, duration work) -> task<> {
    for (;;) {
      const std::string line = co_await peer.until_eol();
      co_await sleep(work);
      co_await peer.send("done ", line);
    }
  };
  const service& s = app.drain(1h).add_service(service(handler, 0, spans(2s)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("one\ntwo\n");
    co_await sleep(spans(1s));
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "done one\ndone two\n");
  REQUIRE(stopping() < spans(4s) + 1s);
}

TEST_CASE_METHOD(app_fixture, "a handler is cancelled when the drain limit is over, not before",
                 "[app][stop]") {
  cancellation seen;
  const service& s = app.drain(spans(5s)).add_service(service(serve_for_ever, 0, std::ref(seen)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.until_eol();
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(seen.reason == cancel_reason::shutdown);
  REQUIRE(holds_in_time(seen.at - stopped_at, spans(5s)));
  REQUIRE(log.has("stopped: 0 drained, 1 cut"));
}

TEST_CASE_METHOD(app_fixture, "a handler of whose next line something has come counts as at work",
                 "[app][stop]") {
  const service& s = app.drain(spans(5s)).add_service(service(echo_lines, 0));
  std::string heard;

  run([&]() -> task<> {
    connection one = co_await connect_to(s);
    connection other = co_await connect_to(s);
    for (connection* c : {&one, &other}) {
      co_await c->send("a line\nhalf ");
      heard += co_await c->until_eol();
    }
    co_await sleep(20ms);
    stop();
    co_await sleep(spans(1s));
    co_await one.send("a line\n");
    heard += co_await one.until_eof();
    heard += co_await other.until_eof();
  });

  REQUIRE(heard == "a line\na line\nhalf a line\n");
  REQUIRE(stopping() >= spans(5s));
  REQUIRE(log.has("stopped: 1 drained, 1 cut"));
}

TEST_CASE("a stop hears of a line for which a busy loop has not looked yet",
          "[app][stop][not-sim]") {
  auto owned = std::make_unique<stopping_clock>(make_test_backend());
  stopping_clock& clock = *owned;
  app_fixture fixture(std::move(owned));
  const service& s = fixture.app.add_service(service(echo_lines, 0));
  std::string heard;
  bool over = false;
  auto busy = fixture.loop.spawn([&]() -> task<> {
    while (!over) co_await yield();
  });

  fixture.run([&]() -> task<> {
    const scope_exit leave([&] { over = true; });
    connection one = co_await connect_to(s);
    co_await one.send("hello\n");
    heard = co_await one.until_eol();
    clock.stop();
    for (int turn = 0; turn < 1000; ++turn) co_await yield();  // of these looks none finds anything
    co_await one.send("in time\n");
    fixture.stop();
    for (int turn = 0; turn < 1000; ++turn) co_await yield();  // who is idle is known by then
    clock.go_on();
    heard += co_await one.until_eof();
  });

  REQUIRE(heard == "hello\nin time\n");
  REQUIRE(fixture.log.has("stopped: 1 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture, "W2 a handler that only meets its peer's end again is idle",
                 "[app][stop]") {
  using handler = task<> (*)(connection&);
  const handler each =
      GENERATE(handler(read_on_for_ever), handler(choose_for_ever), handler(send_for_ever));
  const std::string last_words = GENERATE("", "a line\n", "half a line");
  const service& s = app.drain(spans(5s)).add_service(service(each, 0));

  run([&]() -> task<> {
    {
      connection c = co_await connect_to(s);
      co_await c.send(last_words);
    }
    co_await sleep(50ms);
    stop();
  });

  REQUIRE(log.has("stopping: 1 connection,"));
  REQUIRE(log.has("stopped: 1 drained, 0 cut"));
  if (on_sim()) REQUIRE(stopping() < 10ms);
}

TEST_CASE_METHOD(app_fixture, "a handler is idle when all its tasks wait for input",
                 "[app][stop]") {
  app.drain(spans(5s));
  const service& echo = app.add_service(service(echo_lines, 0));
  const service& forwarder = app.add_service(
      service([&](connection& peer) -> task<> { co_await forward(peer, echo.port()); }, 0));
  const service& grouped = app.add_service(service(read_in_a_group, 0));
  std::string heard;

  run([&]() -> task<> {
    connection one = co_await connect_to(forwarder);
    connection other = co_await connect_to(grouped);
    co_await one.send("a line\n");
    co_await other.send("a line\n");
    heard = co_await one.until_eol();
    co_await sleep(20ms);
    stop();
    heard += co_await one.until_eof();
    heard += co_await other.until_eof();
  });

  REQUIRE(heard == "a line\n");
  REQUIRE(log.has("stopped: 3 drained, 0 cut"));
  if (on_sim()) REQUIRE(stopping() < 100ms);
}

TEST_CASE_METHOD(app_fixture, "a handler is at work while one of its tasks is, then it is idle",
                 "[app][stop]") {
  const service& s = app.drain(spans(50s)).add_service(service(work_in_a_group, 0, spans(4s)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.send("one\ntwo\n");
    co_await sleep(spans(1s));
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "done one\ndone two\n");
  REQUIRE(log.has("stopped: 1 drained, 0 cut"));
  if (on_sim()) REQUIRE(stopping() < 4s);
}

TEST_CASE_METHOD(app_fixture, "a handler that waits for somebody else's answer is at work",
                 "[app][stop]") {
  const auto ask = [](connection& server) -> task<std::string> {
    co_return co_await server.until_eol();
  };
  const auto handler = [ask](connection& peer, const service& other) -> task<> {
    connection server = co_await connect_to(other);
    connection second = co_await connect_to(other);
    co_await server.send("one\n");
    co_await second.send("two\n");
    const auto answers = co_await all(ask(server), ask(second));
    co_await peer.send(std::get<0>(answers), std::get<1>(answers));
  };
  app.drain(spans(50s));
  const service& slow = app.add_service(service(read_then_work, 0, spans(4s)));
  const service& s = app.add_service(service(handler, 0, std::cref(slow)));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await sleep(spans(1s));
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "done one\ndone two\n");
}

TEST_CASE_METHOD(app_fixture, "a service may have a grace of its own", "[app][stop]") {
  cancellation patient;
  cancellation usual;
  const service& first = app.drain(spans(2s)).add_service(
      service(serve_for_ever, 0, std::ref(patient)).grace(spans(20s)));
  const service& second = app.add_service(service(serve_for_ever, 0, std::ref(usual)));

  run([&]() -> task<> {
    connection one = co_await connect_to(first);
    connection other = co_await connect_to(second);
    co_await one.until_eol();
    co_await other.until_eol();
    stop();
    co_await one.until_eof();
  });

  REQUIRE(holds_in_time(usual.at - stopped_at, spans(2s)));
  REQUIRE(holds_in_time(patient.at - stopped_at, spans(20s)));
}

TEST_CASE_METHOD(app_fixture,
                 "background tasks and forks are cancelled at once, a task with a grace after it",
                 "[app][stop]") {
  cancellation task_seen;
  cancellation fork_seen;
  cancellation patient;
  const auto handler = [](connection& peer, cancellation& seen) -> task<> {
    fork(wait_for_ever, std::ref(seen));
    co_await peer.send("forked\n");
    co_await peer.until_eol();
  };
  app.add_task(wait_for_ever, std::ref(task_seen));
  app.add_task(wait_for_ever, std::ref(patient)).grace(spans(3s));
  const service& s = app.add_service(service(handler, 0, std::ref(fork_seen)));

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.until_eol();
    stop();
    co_await c.until_eof();
  });

  for (const cancellation* each : {&task_seen, &fork_seen, &patient})
    REQUIRE(each->reason == cancel_reason::shutdown);
  if (on_sim()) REQUIRE(task_seen.at == stopped_at);
  if (on_sim()) REQUIRE(fork_seen.at == stopped_at);
  REQUIRE(holds_in_time(patient.at - stopped_at, spans(3s)));
  if (on_sim()) REQUIRE(stopping() == 3s);
}

TEST_CASE_METHOD(app_fixture,
                 "a peer that takes nothing is reset after the drain limit and a second",
                 "[app][stop]") {
  const std::string text = pattern(20'000'000);
  const service& s = app.drain(spans(5s)).add_service(service(send_and_return, 0, std::ref(text)));
  bool reset = false;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.receive(100);
    stop();
    co_await sleep(spans(5s) + 1s + 100ms);
    reset = co_await c.closed() == closed_by_peer::reset;
  });

  REQUIRE(reset);
  REQUIRE(holds_in_time(stopping(), spans(5s) + 1s));
  REQUIRE(log.has("stopped: 0 drained, 1 cut"));
}

TEST_CASE_METHOD(app_fixture,
                 "a handler that does not end when it is cancelled is destroyed a second later",
                 "[app][stop]") {
  std::optional<time_point> destroyed;
  const service& s =
      app.drain(spans(5s)).add_service(service(serve_deafly, 0, std::ref(destroyed)));
  bool reset = false;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.until_eol();
    stop();
    reset = co_await c.closed() == closed_by_peer::reset;
  });

  REQUIRE(destroyed.has_value());
  REQUIRE(holds_in_time(*destroyed - stopped_at, spans(5s) + 1s));
  REQUIRE(reset);
  REQUIRE(log.has("stopped: 0 drained, 1 cut"));
}

TEST_CASE("who is cut sees a reset and never an orderly end", "[app][stop][not-epoll]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    app_fixture one(make_sim_backend(sim_options(seed)));
    std::optional<time_point> destroyed;
    const service& s = one.app.add_service(service(serve_deafly, 0, std::ref(destroyed)));
    std::optional<closed_by_peer> how;

    one.run([&]() -> task<> {
      connection c = co_await connect_to(s);
      co_await c.until_eol();
      one.stop();
      how = co_await c.closed();
    });

    CHECK(how == closed_by_peer::reset);
    CHECK(one.log.has("stopped: 0 drained, 1 cut"));
  }
}

TEST_CASE_METHOD(app_fixture,
                 "a task that does not end when it is cancelled is destroyed a second later",
                 "[app][stop]") {
  std::optional<time_point> destroyed;
  app.add_task(be_deaf, std::ref(destroyed));

  run([&]() -> task<> {
    co_await sleep(1ms);
    stop();
  });

  REQUIRE(destroyed.has_value());
  REQUIRE(holds_in_time(*destroyed - stopped_at, 1s));
}

TEST_CASE_METHOD(app_fixture, "a service may give its handlers more time for the clean-up",
                 "[app][stop]") {
  std::optional<time_point> destroyed;
  service_limits patient;
  patient.drain = spans(2s);
  patient.clean_up = spans(30s);
  const service& s = app.add_service(service(serve_deafly, 0, std::ref(destroyed)).limits(patient));

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.until_eol();
    stop();
    co_await c.closed();
  });

  REQUIRE(holds_in_time(destroyed.value() - stopped_at, spans(32s)));
}

TEST_CASE_METHOD(app_fixture, "what a handler has spawned ends with the handlers", "[app][stop]") {
  cancellation seen;
  const auto handler = [](connection& peer, cancellation& of_child) -> task<> {
    auto child = spawn(wait_for_ever, std::ref(of_child));
    co_await peer.until_eol();
  };
  const service& s = app.add_service(service(handler, 0, std::ref(seen)));

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await sleep(10ms);
    stop();
    co_await c.until_eof();
  });

  REQUIRE(seen.reason == cancel_reason::shutdown);
  REQUIRE(stopping() < 1s);
}

TEST_CASE_METHOD(app_fixture, "a handler's farewell is delivered", "[app][stop]") {
  const auto handler = [](connection& peer) -> task<> {
    try {
      co_await peer.until_eol();
    } catch (const cancelled&) {
      peer.try_send("421 shutting down\r\n");
      throw;
    }
  };
  const service& s = app.add_service(service(handler, 0));
  std::string heard;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await sleep(10ms);
    stop();
    heard = co_await c.until_eof();
  });

  REQUIRE(heard == "421 shutting down\r\n");
}

TEST_CASE_METHOD(app_fixture,
                 "functions for the stop are called once, when nobody can come any more",
                 "[app][stop]") {
  const service& s = app.add_service(service(echo_lines, 0));
  std::vector<std::string> calls;
  app.on_stop([&] { calls.emplace_back("first"); });
  app.on_stop([&] { throw std::runtime_error("in a bad mood"); });
  app.on_stop([&] { calls.emplace_back(s.connections() == 1 ? "one is here" : "?"); });

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await sleep(10ms);
    stop();
    app.stop();
    co_await c.until_eof();
  });

  REQUIRE(calls == std::vector<std::string>{"first", "one is here"});
  REQUIRE(log.has("in a bad mood"));
}

TEST_CASE_METHOD(app_fixture, "a task that is told to stop before it has begun begins",
                 "[app][stop]") {
  bool begun = false;
  const auto task_of = [](bool& seen) -> task<> {
    seen = true;
    co_await sleep(10h);
  };
  app.add_task(task_of, std::ref(begun));
  app.stop();

  REQUIRE(app.run() == 0);
  REQUIRE(begun);
}

TEST_CASE_METHOD(app_fixture, "a handler that swallows its cancellation for ever is cut in time",
                 "[app][stop]") {
  const auto swallow = [](connection& peer, bool waits_for_input) -> task<> {
    co_await peer.send("begun\n");
    for (;;) {
      try {
        if (waits_for_input) std::ignore = co_await peer.until_eol();
        if (!waits_for_input) co_await sleep(1h);
      } catch (...) {
      }
    }
  };
  const bool waits_for_input = GENERATE(true, false);
  CAPTURE(waits_for_input);
  service_limits limits;
  limits.clean_up = spans(1s);
  const service& s = app.drain(spans(5s)).add_service(
      service(swallow, 0, waits_for_input).limits(limits).name("swallower"));
  const std::uint64_t resumes = stats().resumes;

  run([&]() -> task<> {
    connection c = co_await connect_to(s);
    co_await c.until_eol();
    stop();
    co_await c.closed();
  });

  CHECK(holds_in_time(stopping(), waits_for_input ? spans(1s) : spans(6s)));
  CHECK(log.has("stopped: 0 drained, 1 cut"));
  CHECK(stats().resumes - resumes < 1100);  // about one in a millisecond
}

TEST_CASE("a function for the stop may add another one", "[app][stop]") {
  const captured_log quiet;
  test_loop loop;
  application app(loop.loop());
  int called = 0;
  for (int i = 0; i < 4; ++i) {
    app.on_stop([&app, &called] {
      ++called;
      app.on_stop([&called] { ++called; });
    });
  }
  app.stop();

  CHECK(app.run() == 0);
  CHECK(called == 8);
}

}  // namespace stop_test
