// An application on several event loops, each on a thread of its own.
#include <app/crowd.hpp>

#include <cetane/app/quickstart.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/runtime/loop_ref.hpp>
#include <cetane/runtime/per_loop.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// The loops are made by the application, on real threads: a simulation has none.
namespace workers_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct room {
  std::vector<std::string> names;
};

// [per_loop]
task<> count_calls(connection& peer, per_loop<int>& calls) {
  co_await peer.print("{}\n", ++calls.here());
  (void)co_await peer.next_line();
}
// [/per_loop]

task<> count_own(connection& peer, std::atomic<int>& open) {
  ++open;
  const scope_exit gone([&] { --open; });
  co_await peer.send("in\n");
  (void)co_await peer.next_line();
}

task<> stop_all(connection& peer) {
  (void)co_await peer.next_line();
  quickstop();
}

task<> fail(connection& peer) {
  co_await peer.send("ready\n");
  throw std::runtime_error("a handler failed");
}

task<> keep_names(connection& peer, room&) { (void)co_await peer.next_line(); }

}  // namespace

TEST_CASE("connections are divided evenly among the loops", "[app][workers][not-sim]") {
  crowd test(3);
  const service& s = test.app.add_service(service(tell_thread, 0, std::ref(test.threads)));
  std::map<int, int> on_thread;

  const int status = test.run([&]() -> task<> {
    std::vector<connection> open;
    for (int i = 0; i < 9; ++i) {
      open.push_back(co_await connect_to(s));
      const std::string line = co_await open.back().until_eol();
      ++on_thread[number_from(line)];
    }
  });

  REQUIRE(status == 0);
  REQUIRE(on_thread == std::map<int, int>{{0, 3}, {1, 3}, {2, 3}});
}

TEST_CASE("the next connection goes where one has ended", "[app][workers][not-sim]") {
  crowd test(2);
  const service& s = test.app.add_service(service(tell_thread, 0, std::ref(test.threads)));

  const int status = test.run([&]() -> task<> {
    std::vector<connection> open;
    std::vector<int> where;
    for (int i = 0; i < 4; ++i) {
      open.push_back(co_await connect_to(s));
      const std::string line = co_await open.back().until_eol();
      where.push_back(number_from(line));
    }
    co_await open[1].send("bye\n");
    const std::string rest = co_await open[1].until_eof();
    CHECK(rest.empty());
    while (s.connections() == 4) co_await sleep(1ms);
    connection next = co_await connect_to(s);
    const std::string line = co_await next.until_eol();
    CHECK(number_from(line) == where[1]);
  });

  REQUIRE(status == 0);
}

TEST_CASE("a limit of connections holds for all loops together", "[app][workers][not-sim]") {
  crowd test(3);
  std::atomic<int> in = 0;
  const service& s = test.app.add_service(service(count_own, 0, std::ref(in)).max_connections(4));

  const int status = test.run([&]() -> task<> {
    std::vector<connection> open;
    for (int i = 0; i < 4; ++i) {
      open.push_back(co_await connect_to(s));
      (void)co_await open.back().until_eol();
    }
    CHECK(s.connections() == 4);
    connection fifth = co_await connect_to(s);  // waits in the backlog
    const auto too_early = co_await move_on_after(50ms, fifth.until_eol());
    CHECK_FALSE(too_early.has_value());
    CHECK(in == 4);
    co_await open[0].send("bye\n");  // one on another loop ends
    const std::string line = co_await fifth.until_eol();
    CHECK(line == "in\n");
  });

  REQUIRE(status == 0);
  REQUIRE(in == 0);
}

TEST_CASE("per_loop gives each loop's handlers an object of their own", "[app][workers][not-sim]") {
  crowd test(2);
  const service& s = test.app.add_service(service(count_calls, 0, per_loop<int>()));
  std::vector<int> counts;

  const int status = test.run([&]() -> task<> {
    std::vector<connection> open;
    for (int i = 0; i < 6; ++i) {
      open.push_back(co_await connect_to(s));
      const std::string line = co_await open.back().until_eol();
      counts.push_back(number_from(line));
    }
  });

  REQUIRE(status == 0);
  std::sort(counts.begin(), counts.end());
  REQUIRE(counts == std::vector{1, 1, 2, 2, 3, 3});
}

TEST_CASE("a handler on any loop may stop the application", "[app][workers][not-sim]") {
  for (int which = 0; which < 2; ++which) {
    crowd test(2);
    const service& s = test.app.add_service(service(stop_all, 0));

    const int status = test.run([&]() -> task<> {
      std::vector<connection> open;
      for (int i = 0; i < 2; ++i) open.push_back(co_await connect_to(s));
      co_await open[static_cast<std::size_t>(which)].send("now\n");
      for (connection& each : open) {
        const std::string rest = co_await each.until_eof();
        CHECK(rest.empty());
      }
      co_await sleep(10s);  // the stop cancels this
    });

    REQUIRE(status == 0);
    REQUIRE(test.log.has("stopped: "));
  }
}

TEST_CASE("a handler that fails ends alone, on whatever loop", "[app][workers][not-sim]") {
  crowd test(2);
  const service& s = test.app.add_service(service(fail, 0));

  const int status = test.run([&]() -> task<> {
    for (int i = 0; i < 4; ++i) {
      connection peer = co_await connect_to(s);
      const std::string all = co_await peer.until_eof();
      CHECK(all == "ready\n");
    }
  });

  REQUIRE(status == 0);
  REQUIRE(test.log.has("a handler failed"));
}

TEST_CASE("a background task runs once, or once on each loop where it says so",
          "[app][workers][not-sim]") {
  crowd test(3);
  register_of_threads once;
  register_of_threads each;
  const auto note = [](register_of_threads& in) -> task<> {
    in.note();
    co_return;
  };
  test.app.add_task(note, std::ref(once));
  test.app.add_task(note, std::ref(each)).label("each").on_each_loop();

  const int status = test.run([&]() -> task<> {
    while (each.noted() < 3) co_await sleep(1ms);
    test.app.add_task(note, std::ref(once)).on_each_loop();  // while it runs
    while (once.noted() < 3) co_await sleep(1ms);
  });

  REQUIRE(status == 0);
}

TEST_CASE("a task of another loop is cancelled by the stop, and may clean up",
          "[app][workers][not-sim]") {
  crowd test(3);
  std::atomic<int> waiting = 0;
  std::atomic<int> ended = 0;
  test.app
      .add_task(
          [](std::atomic<int>& waits, std::atomic<int>& ends) -> task<> {
            const scope_exit end([&] { ++ends; });
            ++waits;
            co_await sleep(1h);
          },
          std::ref(waiting), std::ref(ended))
      .on_each_loop();

  const int status = test.run([&]() -> task<> {
    while (waiting < 3) co_await sleep(1ms);
  });

  REQUIRE(status == 0);
  REQUIRE(ended == 3);
}

TEST_CASE("a loop that is referred to says that it has ended when the application has",
          "[app][workers][not-sim]") {
  crowd test(2);
  std::mutex mutex;
  std::vector<loop_ref> loops;
  test.app.add_task([&]() -> task<> {
    const std::lock_guard lock(mutex);
    loops.push_back(loop_ref::here());
    co_return;
  });

  REQUIRE(test.run([&]() -> task<> { co_await sleep(1ms); }) == 0);

  REQUIRE(loops.size() == 1);
  REQUIRE(send_to(loops[0], [] { FAIL("it ran"); }) == delivery::loop_ended);
}

TEST_CASE("plain state that handlers share is refused, with the reason",
          "[app][workers][not-sim]") {
  room lobby;
  SECTION("shared by reference") {
    crowd test(2);
    test.app.add_service(service(keep_names, 0, std::ref(lobby)).name("chat"));
    REQUIRE_THROWS_WITH(test.app.run(), ContainsSubstring("the service chat keeps a ") &&
                                            ContainsSubstring("room") &&
                                            ContainsSubstring("per_loop"));
  }
  SECTION("kept") {
    crowd test(2);
    test.app.add_service(service(keep_names, 0, room()));
    REQUIRE_THROWS_AS(test.app.run(), std::logic_error);
  }
  SECTION("captured by the handler") {
    crowd test(2);
    test.app.add_service(service(
        [&lobby](connection&) -> task<> {
          lobby.names.clear();
          co_return;
        },
        0));
    REQUIRE_THROWS_AS(test.app.run(), std::logic_error);
  }
  SECTION("of a task for each loop") {
    crowd test(2);
    task_entry& entry = test.app.add_task([](room&) -> task<> { co_return; }, std::ref(lobby));
    REQUIRE_THROWS_AS(entry.on_each_loop(), std::logic_error);
  }
  SECTION("where the program says so") {
    crowd test(2);
    test.app.one_loop("the table is a global object");
    REQUIRE_THROWS_WITH(test.app.run(), ContainsSubstring("the table is a global object"));
  }
}

TEST_CASE("a service on the first loop may share plain objects with tasks there",
          "[app][workers][not-sim]") {
  crowd test(3);
  room lobby;
  std::set<std::thread::id> threads;
  const auto enter = [](connection& peer, room& in, std::set<std::thread::id>& on) -> task<> {
    on.insert(std::this_thread::get_id());
    in.names.push_back(co_await peer.until_eol());
    co_await peer.send("done\n");
  };
  const service& s =
      test.app.add_service(service(enter, 0, std::ref(lobby), std::ref(threads)).on_first_loop());

  const int status = test.run([&]() -> task<> {
    for (int i = 0; i < 4; ++i) {
      connection peer = co_await connect_to(s);
      co_await peer.send("name\n");
      (void)co_await peer.until_eof();
    }
  });

  REQUIRE(status == 0);
  REQUIRE(lobby.names.size() == 4);
  REQUIRE(threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("numbers of loops that make no sense are refused", "[app][workers]") {
  application app;

  REQUIRE_THROWS_AS(app.workers(0), std::invalid_argument);
  REQUIRE_THROWS_AS(app.workers(257), std::invalid_argument);
}

TEST_CASE("several loops and a loop of the caller's do not go together", "[app][workers]") {
  app_fixture test;
  test.app.workers(2);

  REQUIRE_THROWS_WITH(test.app.run(), ContainsSubstring("a loop of the caller's"));
}

}  // namespace workers_test
