#pragma once

#include <app/captured_log.hpp>
#include <support/connected_pair.hpp>
#include <support/test_loop.hpp>

#include <cetane/app/application.hpp>
#include <cetane/app/service.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/net/connection.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cetane::test {

using namespace std::chrono_literals;

/// An application on a loop of the test's, whose clients run beside it.
struct app_fixture {
  app_fixture() = default;
  explicit app_fixture(std::unique_ptr<detail::backend> io) : loop(std::move(io)) {}

  captured_log log;
  test_loop loop;
  application app{loop.loop()};

  /// Runs the application and, beside it, `clients` as a task, which stops it where it wants to;
  /// its end does at the latest. Gives the application's status, and throws what the clients threw.
  int run(std::function<task<>()> clients) {
    auto started = loop.spawn([this, clients = std::move(clients)]() -> task<> {
      const scope_exit stop([this] { app.stop(); });
      co_await clients();
    });
    const int status = app.run();
    ended_at = now();
    run_until(loop, [&] { return started.done(); });
    loop.run([&]() -> task<> { co_await started; });
    return status;
  }

  /// Begins the stop, and notes when.
  void stop() {
    stopped_at = now();
    app.stop();
  }

  /// How long the stop took.
  duration stopping() const { return ended_at - stopped_at; }

  time_point stopped_at;
  time_point ended_at;

  time_point now() { return loop.loop().now(); }
  loop_stats stats() { return loop.loop().stats(); }
};

/// Connects to a service that has been started.
inline connect_op connect_to(const service& s) { return connect("127.0.0.1", s.port()); }

// Handlers and clients that many tests need.

inline task<> echo_lines(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

inline task<> send_and_return(connection& peer, const std::string& text) {
  co_await peer.send(text);
}

inline task<> read_then_work(connection& peer, duration work) {
  const std::string line = co_await peer.until_eol();
  co_await sleep(work);
  co_await peer.send("done ", line);
}

inline task<> work_for_ever(duration step) {
  for (;;) co_await sleep(step);
}

}  // namespace cetane::test
