// One handler, wherever it is served: on the service's loop, in processes, on threads.
#include <app/app_fixture.hpp>
#include <support/sanitizers.hpp>

#include <cetane/app/run_in.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/attempt.hpp>

#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <atomic>
#include <csignal>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace run_in_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Generators::from_range;
using Catch::Matchers::ContainsSubstring;

namespace {

enum class place { processes, threads };

void run_in(service& s, place where, std::size_t most) {
  if (where == place::processes) {
    s.run_in(process_per_connection(most));
  } else {
    s.run_in(thread_per_connection(most));
  }
}

// Says where it is, then does as it is told.
task<> obey(connection& peer) {
  co_await peer.print("{} {}\n", ::getpid(), ::gettid());
  for (;;) {
    const std::string line = co_await peer.until_eol();
    if (line == "throw\n") throw std::runtime_error("it was told to");
    if (line == "crash\n") ::raise(SIGKILL);
    if (line == "quit\n") co_return;
    co_await peer.send(line);
  }
}

// Where there is a choice. liburing maps the memory of its rings by system calls that the thread
// sanitizer does not see, so that the rings of two threads, one after the other at one address, are
// a race to it: there it is processes alone.
std::vector<place> places() {
  const bool rings = event_loop(make_test_backend()).io().name() == "io_uring";
  if (CETANE_TEST_THREAD_SANITIZER && rings) return {place::processes};
  return {place::processes, place::threads};
}

struct client {
  connection peer;
  std::string where;
};

task<client> come_in(const service& to) {
  connection c = co_await connect_to(to);
  std::string where = co_await c.until_eol();
  co_return client{std::move(c), std::move(where)};
}

// Catch2's macros evaluate an await more than once, so none stands in them.
task<> expect_answer(connection& c, std::string line, std::string wanted) {
  co_await c.send(line);
  const std::string answer = co_await c.until_eol();
  CHECK(answer == wanted);
}

task<> expect_end(connection& c) {
  const auto line = co_await c.next_line();
  CHECK_FALSE(line.has_value());
}

struct run_in_fixture : app_fixture {
  service& serve(place where, std::size_t most = 40) {
    service added(obey, 0);
    run_in(added, where, most);
    return app.add_service(std::move(added));
  }

  // What is there at the end must have been there at the beginning.
  task<> wait_for_connections(const service& of, std::size_t count) {
    while (of.connections() != count) co_await sleep(1ms);
  }
};

}  // namespace

TEST_CASE_METHOD(run_in_fixture, "each connection has a process or a thread of its own",
                 "[app][run_in][not-sim]") {
  const place where = GENERATE(from_range(places()));
  service& obeying = serve(where);
  std::set<std::string> places{fmt::format("{} {}\n", ::getpid(), ::gettid())};

  run([&]() -> task<> {
    std::vector<client> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(co_await come_in(obeying));
    for (client& one : clients) {
      co_await expect_answer(one.peer, "hello\n", "hello\n");
      places.insert(one.where);
      const bool here = one.where.starts_with(fmt::format("{} ", ::getpid()));
      CHECK(here == (where == place::threads));
    }
    CHECK(obeying.connections() == 5);
    for (client& one : clients) {
      co_await one.peer.send("quit\n");
      co_await expect_end(one.peer);
    }
    co_await wait_for_connections(obeying, 0);
  });

  CHECK(places.size() == 6);
  CHECK(log.of(log::level::error).empty());
}

TEST_CASE_METHOD(run_in_fixture, "beyond the limit connections wait until one ends",
                 "[app][run_in][not-sim]") {
  service& obeying = serve(GENERATE(from_range(places())), 2);

  run([&]() -> task<> {
    client first = co_await come_in(obeying);
    client second = co_await come_in(obeying);
    connection third = co_await connect_to(obeying);
    co_await expect_answer(first.peer, "hello\n", "hello\n");
    co_await expect_answer(second.peer, "hello\n", "hello\n");
    CHECK(obeying.connections() == 2);

    co_await first.peer.send("quit\n");

    const std::string where = co_await third.until_eol();
    CHECK_FALSE(where.empty());
    CHECK(obeying.connections() == 2);
  });
}

TEST_CASE_METHOD(run_in_fixture, "a handler's exception ends its connection alone",
                 "[app][run_in][not-sim]") {
  const place where = GENERATE(from_range(places()));
  service& obeying = serve(where);

  run([&]() -> task<> {
    client bad = co_await come_in(obeying);
    client good = co_await come_in(obeying);
    co_await bad.peer.send("throw\n");
    co_await expect_end(bad.peer);
    co_await wait_for_connections(obeying, 1);
    co_await expect_answer(good.peer, "hello\n", "hello\n");
  });

  if (where == place::threads) {
    REQUIRE(log.of(log::level::error).size() == 1);
    CHECK_THAT(log.of(log::level::error)[0], ContainsSubstring("it was told to"));
  }
}

TEST_CASE_METHOD(run_in_fixture, "a process that is killed ends its connection, and is reported",
                 "[app][run_in][not-sim]") {
  service& obeying = serve(place::processes);

  run([&]() -> task<> {
    client bad = co_await come_in(obeying);
    client good = co_await come_in(obeying);
    co_await bad.peer.send("crash\n");
    co_await expect_end(bad.peer);
    co_await wait_for_connections(obeying, 1);
    co_await expect_answer(good.peer, "hello\n", "hello\n");
  });

  REQUIRE(log.of(log::level::error).size() == 1);
  CHECK_THAT(log.of(log::level::error)[0], ContainsSubstring("that served 127.0.0.1:") &&
                                               ContainsSubstring("killed by signal 9"));
}

TEST_CASE_METHOD(run_in_fixture, "a stop ends idle handlers at once, and lets others go on",
                 "[app][run_in][not-sim]") {
  service& obeying = serve(GENERATE(from_range(places())));
  app.drain(10min);

  const auto clients = [&]() -> task<> {
    client idle = co_await come_in(obeying);
    client busy = co_await come_in(obeying);
    co_await expect_answer(busy.peer, "one\ntw", "one\n");
    stop();
    co_await expect_end(idle.peer);
    co_await expect_answer(busy.peer, "o\n", "two\n");
    co_await expect_end(busy.peer);
  };

  CHECK(run(clients) == 0);
  CHECK(log.has("stopped: 2 drained, 0 cut"));
}

TEST_CASE_METHOD(run_in_fixture, "a handler that does not come to its end is cut after the drain",
                 "[app][run_in][not-sim]") {
  service& obeying = serve(GENERATE(from_range(places())));
  app.drain(1ms);

  const auto clients = [&]() -> task<> {
    client busy = co_await come_in(obeying);
    co_await expect_answer(busy.peer, "one\ntw", "one\n");
    stop();
    co_await expect_end(busy.peer);
  };

  CHECK(run(clients) == 0);
  CHECK(log.has("stopped: 0 drained, 1 cut"));
}

#if CETANE_TEST_THREAD_SANITIZER
#define NOT_WHERE_TSAN_IS_MISTAKEN "[not-io_uring]"
#else
#define NOT_WHERE_TSAN_IS_MISTAKEN ""
#endif

TEST_CASE_METHOD(app_fixture, "a handler on a thread may block it",
                 "[app][run_in][not-sim]" NOT_WHERE_TSAN_IS_MISTAKEN) {
  std::atomic<int> inside = 0;
  const auto meet = [](connection& peer, std::atomic<int>& count) -> task<> {
    ++count;
    while (count < 3) std::this_thread::yield();  // blocks until all three are in
    co_await peer.send("met\n");
  };
  service& meeting =
      app.add_service(service(meet, 0, std::ref(inside)).run_in(thread_per_connection(3)));

  run([&]() -> task<> {
    std::vector<connection> peers;
    for (int i = 0; i < 3; ++i) peers.push_back(co_await connect_to(meeting));
    for (connection& one : peers) {
      const std::string word = co_await one.until_eol();
      CHECK(word == "met\n");
    }
  });
}

TEST_CASE_METHOD(app_fixture, "a service ends what it has running elsewhere",
                 "[app][run_in][not-sim]") {
  const place where = GENERATE(from_range(places()));
  loop.run([&]() -> task<> {
    service s(obey, 0);
    run_in(s, where, 4);
    s.start(loop.loop());
    client one = co_await come_in(s);
    { const service gone = std::move(s); }
    const auto line = co_await attempt(one.peer.next_line());
    CHECK((!line.has_value() || !line->has_value()));  // reset, or ended
  });
}

TEST_CASE_METHOD(app_fixture, "a simulated network is in no other process or thread",
                 "[app][run_in][not-epoll]") {
  service s(echo_lines, 0);
  run_in(s, GENERATE(from_range(places())), 4);

  CHECK_THROWS_AS(s.start(loop.loop()), std::logic_error);
}

TEST_CASE_METHOD(app_fixture, "where a service runs is said before it starts", "[app][run_in]") {
  service s(echo_lines, 0);
  s.start(loop.loop());

  CHECK_THROWS_AS(s.run_in(process_per_connection()), std::logic_error);
}

}  // namespace run_in_test
