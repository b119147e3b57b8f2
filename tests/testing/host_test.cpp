// Several machines, each with programs of its own, in one test.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace host_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string complaint(const std::function<task<>(world&)>& body) {
  world w(1);
  try {
    w.run(body);
  } catch (const unfinished& e) {
    return e.what();
  } catch (const simulation_stuck& e) {
    return e.what();
  }
  return "";
}

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

// Says who asks, and where it was reached.
task<> who_is_there(connection& peer) {
  co_await peer.send(peer.remote().host(), " ", peer.local().host(), "\n");
}

task<std::string> first_line(std::string host, std::uint16_t port) {
  connection c = co_await connect(std::move(host), port);
  const std::string line = co_await c.until_eol();
  co_return std::string(trim(line));
}

task<std::string> ask(std::string host, std::uint16_t port, std::string question) {
  connection c = co_await connect(std::move(host), port);
  co_await c.send(question, "\n");
  const std::string line = co_await c.until_eol();
  co_return std::string(trim(line));
}

// What connecting there ends in.
task<std::string> connect_outcome(std::string host, std::uint16_t port) {
  try {
    connection c = co_await connect(std::move(host), port);
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "connected";
}

// A key-value store, and a front that keeps in it how often each key was asked for.
task<> store(connection& peer, std::map<std::string, int>& counts) {
  for (;;) {
    const std::string key = co_await peer.until_eol();
    co_await peer.send(std::to_string(++counts[std::string(trim(key))]), "\n");
  }
}

task<> front(connection& peer) {
  while (auto line = co_await peer.next_line()) {
    const std::string count = co_await ask("db", 5432, std::string(trim(*line)));
    co_await peer.send(trim(*line), " ", count, "\n");
  }
}

}  // namespace

TEST_CASE("hosts have addresses of their own, and connections show them", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    REQUIRE(db.ip() == "10.0.0.2");
    REQUIRE(web.ip() == "10.0.0.3");
    REQUIRE(&w.host("db") == &db);
    const auto& server = db.serve(service(who_is_there, 0));

    const std::string from_body = co_await first_line("db", server.port());
    auto asking = web.spawn(first_line, "db", server.port());
    const std::string from_web = co_await asking;
    auto asking_itself = db.spawn(first_line, "localhost", server.port());
    const std::string from_db = co_await asking_itself;

    REQUIRE(from_body == "10.0.0.1 10.0.0.2");
    REQUIRE(from_web == "10.0.0.3 10.0.0.2");
    REQUIRE(from_db == "127.0.0.1 127.0.0.1");
  });
}

TEST_CASE("a service on [::] of a host is reached over IPv6, and shows who asks",
          "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    const auto& server = db.serve(service(who_is_there, 0).host("::"));

    auto over_six = web.spawn(first_line, "fd00::2", server.port());
    auto over_four = web.spawn(first_line, "db", server.port());
    const std::string six = co_await over_six;
    const std::string four = co_await over_four;

    REQUIRE(six == "fd00::3 fd00::2");
    REQUIRE(four == "::ffff:10.0.0.3 ::ffff:10.0.0.2");
  });
}

TEST_CASE("the same port is served on two hosts, each by its own handler", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    const auto say = [](connection& peer, const std::string& text) -> task<> {
      co_await peer.send(text, "\n");
    };
    const auto& one = w.host("one").serve(service(say, 80, std::string("this is one")));
    const auto& two = w.host("two").serve(service(say, 80, std::string("this is two")));

    const std::string first = co_await first_line("one", 80);
    const std::string second = co_await first_line("two", 80);

    REQUIRE(one.port() == two.port());
    REQUIRE(first == "this is one");
    REQUIRE(second == "this is two");
  });
}

TEST_CASE("with hosts, a name that none has does not resolve, and an address cannot be reached",
          "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    const auto& server = w.host("db").serve(service(echo, 80));
    const std::string unknown = co_await connect_outcome("bd", 80);
    const duration before = w.elapsed();
    const std::string nobody = co_await connect_outcome("10.0.0.77", 80);
    const duration waited = w.elapsed() - before;
    const std::string closed = co_await connect_outcome("db", 81);

    REQUIRE_THAT(unknown, ContainsSubstring("resolve bd"));
    REQUIRE_THAT(nobody, ContainsSubstring("10.0.0.77:80") && ContainsSubstring("o route to host"));
    REQUIRE(waited == 3s);
    REQUIRE_THAT(closed, ContainsSubstring("10.0.0.2:81") && ContainsSubstring("refused"));
    REQUIRE(server.connections() == 0);
  });
}

TEST_CASE("a host listens at its own addresses only", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    w.host("web");
    std::string said;
    try {
      const auto& server = db.serve(service(echo, 80).host("10.0.0.3"));
    } catch (const error& e) {
      said = e.what();
    }
    REQUIRE_THAT(said, ContainsSubstring("10.0.0.3:80") && ContainsSubstring("no such address"));
    co_return;
  });
}

// [programs]
TEST_CASE("several programs run in one test, talk with each other, and stop in good order",
          "[testing][host]") {
  simulate(20, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 50ms).split_reads());
    auto db = w.host("db").run([](application& app) {
      app.add_service(service(store, 5432, std::map<std::string, int>()));
    });
    auto web = w.host("web").run([](application& app) { app.add_service(service(front, 80)); });

    connection c = co_await connect("web", 80);
    co_await c.send("apples\npears\napples\n");
    const std::string first = co_await c.until_eol();
    const std::string second = co_await c.until_eol();
    web.stop();
    co_await web.ended();
    const std::string rest = co_await c.until_eof();
    const std::string refused = co_await connect_outcome("web", 80);

    REQUIRE(first == "apples 1\n");
    REQUIRE(second == "pears 1\n");
    REQUIRE(rest == "apples 2\n");
    REQUIRE_THAT(refused, ContainsSubstring("refused"));
    REQUIRE(db.running());
    REQUIRE_FALSE(web.running());
    db.stop();
    co_await db.ended();
  });
}
// [/programs]

TEST_CASE("a program that ends its own application ends there", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    auto program = w.host("db").run([](application& app) {
      app.add_task(
          [](application& self) -> task<> {
            co_await sleep(1h);
            self.stop();
          },
          std::ref(app));
    });

    co_await program.ended();

    REQUIRE(w.elapsed() >= 1h);
    REQUIRE(w.elapsed() < 1h + 10s);
  });
}

TEST_CASE("each program has its own names to wait for", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    std::vector<std::string> heard;
    const auto listen = [&heard](application& app, std::string who) {
      app.add_task(
          [](std::vector<std::string>& to, std::string name) -> task<> {
            const auto news = co_await wait<std::string>("news");
            to.push_back(name + " hears " + news);
          },
          std::ref(heard), std::move(who));
    };
    auto one = w.host("one").run([&](application& app) {
      listen(app, "one");
      app.add_task([]() -> task<> {
        co_await sleep(1s);
        fire("news", std::string("of one"));
      });
    });
    auto two = w.host("two").run([&](application& app) { listen(app, "two"); });

    co_await sleep(1min);

    REQUIRE(heard == std::vector<std::string>{"one hears of one"});
  });
}

TEST_CASE("a program that cannot start says why, and another may run there", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    std::string said;
    try {
      auto late = db.run([](application& app) { app.add_service(service(echo, 80)); });
    } catch (const error& e) {
      said = e.what();
    }
    REQUIRE_THAT(said, ContainsSubstring("127.0.0.1:80") && ContainsSubstring("in use"));

    auto other = db.run([](application& app) { app.add_service(service(echo, 81)); });
    REQUIRE_THROWS_AS(db.run([](application&) {}), std::logic_error);
    const std::string answer = co_await ask("db", 81, "hello");
    REQUIRE(answer == "hello");
  });
}

TEST_CASE("hosts have one clock, and tasks of several may share what the test owns",
          "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    event started;
    queue<std::string> said;
    const auto speak = [](event& start, queue<std::string>& to, std::string what,
                          duration after) -> task<> {
      co_await start.wait();
      co_await sleep(after);
      co_await to.put(what);
    };
    auto one = w.host("one").spawn(speak, std::ref(started), std::ref(said), "one", 2s);
    auto two = w.host("two").spawn(speak, std::ref(started), std::ref(said), "two", 1s);
    co_await sleep(1h);
    started.set();

    const std::string first = co_await said.get();
    REQUIRE(w.elapsed() == 1h + 1s);
    const std::string second = co_await said.get();
    REQUIRE(w.elapsed() == 1h + 2s);
    REQUIRE(first == "two");
    REQUIRE(second == "one");
    co_await one;
    co_await two;
  });
}

TEST_CASE("a call on another thread holds the clock for all hosts", "[testing][host]") {
  world(1).run([](world& w) -> task<> {
    const auto block = []() -> task<> {
      co_await thread([] { std::this_thread::sleep_for(20ms); });
    };
    auto blocking = w.host("db").spawn(block);
    co_await sleep(1ns);
    REQUIRE(blocking.done());
  });
}

TEST_CASE("what is left on a host is reported with the host's name", "[testing][host]") {
  const auto beat = []() -> task<> {
    for (;;) co_await sleep(1s);
  };
  const std::string said = complaint([&](world& w) -> task<> {
    auto left = w.host("db").spawn(beat);
    co_return;
  });

  REQUIRE_THAT(said, ContainsSubstring("left something behind") &&
                         ContainsSubstring("on the host db: 1 task\n"));
}

TEST_CASE("hosts that wait for each other for ever are found out, all of them named",
          "[testing][host]") {
  event never;
  const std::string said = complaint([&](world& w) -> task<> {
    const auto wait_for = [](event& e) -> task<> { co_await e.wait(); };
    auto one = w.host("one").spawn(wait_for, std::ref(never));
    auto two = w.host("two").spawn(wait_for, std::ref(never));
    co_await never.wait();
  });

  REQUIRE_THAT(said, ContainsSubstring("stuck") && ContainsSubstring("the test itself") &&
                         ContainsSubstring("on the host one: 1 task") &&
                         ContainsSubstring("on the host two: 1 task"));
}

TEST_CASE("a handler that fails on a host does not go unnoticed", "[testing][host]") {
  const auto fail = [](connection& peer) -> task<> {
    co_await peer.until_eol();
    throw std::out_of_range("no such line");
  };
  const std::string said = complaint([&](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(fail, 80));
    connection c = co_await connect("db", 80);
    co_await c.send("line\n");
    co_await c.closed();
    db.crash();
  });

  REQUIRE_THAT(said, ContainsSubstring("1 exceptions have ended"));
}

TEST_CASE("what handlers on hosts refer to outlives them, however the body ends",
          "[testing][host]") {
  struct cut_short {};
  struct book {
    bool open = true;
    int* left_open = nullptr;
    ~book() { open = false; }
  };
  static constexpr auto visit = [](connection& peer, book& in) -> task<> {
    const scope_exit leave([&] { *in.left_open += in.open ? 1 : 100; });
    co_await peer.until_eol();
  };
  int left_open = 0;
  const auto body = [&](world& w) -> task<> {
    book served_one, programs_one;
    served_one.left_open = programs_one.left_open = &left_open;
    const auto& server = w.host("one").serve(service(visit, 80, std::ref(served_one)));
    const auto& program = w.host("two").run(
        [&](application& app) { app.add_service(service(visit, 80, std::ref(programs_one))); });
    connection first = co_await connect("one", 80);
    connection second = co_await connect("two", 80);
    co_await sleep(1s);
    REQUIRE(server.connections() == 1);
    REQUIRE(program.running());
    throw cut_short();
  };

  REQUIRE_THROWS_AS(world(1).run(body), cut_short);
  REQUIRE(left_open == 2);
}

}  // namespace host_test
