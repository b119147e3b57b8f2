// Connections that are used again: by whom, for how long, and which are not.
#include <cetane/app/connection_pool.hpp>

#include <app/app_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/testing.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace connection_pool_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using limits = connection_pool_limits;
using texts = std::vector<std::string>;

// What a server does with a line depends on it.
task<> answer_lines(connection& peer) {
  static const std::string more = "and more\n";
  while (auto line = co_await peer.next_line()) {
    if (*line == "later") co_await sleep(20ms);
    co_await peer.print("you said {}\n", *line);
    if (*line == "chatter") co_await peer.send(more);
    if (*line == "last") co_return;
    if (*line == "break") peer.abort();
  }
}

// A request from its beginning to its end; says from which port it was made, too.
task<std::string> ask(connection_pool& of, std::string question) {
  auto server = co_await of.acquire();
  co_await server->send(question, "\n");
  const std::string line = co_await server->until_eol();
  std::string answer = fmt::format("{} {}", trim(line), server->local().port());
  server.give_back();
  co_return answer;
}

// The connection that was used.
task<std::uint16_t> port_used(connection_pool& of, std::string question = "who?") {
  const std::string answer = co_await ask(of, std::move(question));
  co_return static_cast<std::uint16_t>(std::stoi(answer.substr(answer.rfind(' '))));
}

// The loop has learnt what has come to it.
task<> hear() { co_await sleep(5ms); }

}  // namespace

TEST_CASE_METHOD(app_fixture, "a connection that was given back is used again",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    const std::string one = co_await ask(all, "one");
    REQUIRE(all.idle() == 1);
    REQUIRE(all.in_use() == 0);
    const std::string two = co_await ask(all, "two");
    REQUIRE(one.starts_with("you said one "));
    REQUIRE(two.starts_with("you said two "));
    REQUIRE(one.substr(13) == two.substr(13));
  });
  REQUIRE(stats().connections_opened == 2);  // both ends of one
}

TEST_CASE_METHOD(app_fixture, "the connection that was used last is given out first",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    auto one = co_await all.acquire();
    auto two = co_await all.acquire();
    const std::uint16_t last = one->local().port();
    REQUIRE(all.in_use() == 2);
    two.give_back();
    one.give_back();
    REQUIRE(all.idle() == 2);
    auto again = co_await all.acquire();
    REQUIRE(again->local().port() == last);
  });
}

TEST_CASE_METHOD(app_fixture, "W22 a request that is cancelled closes its connection",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    const auto late = co_await move_on_after(1ms, ask(all, "later"));
    REQUIRE_FALSE(late.has_value());
    REQUIRE(all.idle() == 0);
    REQUIRE(all.in_use() == 0);
    const std::string next = co_await ask(all, "now?");
    REQUIRE(next.starts_with("you said now? "));
  });
  run_until(loop, [&] { return stats().connections_opened == stats().connections_closed; });
}

TEST_CASE_METHOD(app_fixture, "W22 a request that fails closes its connection",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    const auto fail = [](connection_pool& of) -> task<> {
      auto one = co_await of.acquire();
      co_await one->send("never read\n");
      throw std::runtime_error("changed my mind");
    };
    const auto failed = co_await attempt(fail(all));
    REQUIRE_FALSE(failed);
    REQUIRE(all.idle() == 0);
    REQUIRE(all.in_use() == 0);
  });
}

TEST_CASE_METHOD(app_fixture, "W22 a request whose task is destroyed closes its connection",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    service asks(
        [](connection&, connection_pool& of) -> task<> { std::ignore = co_await ask(of, "later"); },
        0, std::ref(all));
    asks.start(loop);
    connection knock = co_await connect_to(asks);
    while (all.in_use() == 0) co_await sleep(1ms);
    asks.end_now();
    REQUIRE(all.idle() == 0);
    REQUIRE(all.in_use() == 0);
  });
}

TEST_CASE_METHOD(app_fixture, "W21 a connection that cannot be made takes nobody's place",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    int tries = 0;
    const auto make = [&]() -> task<connection> {
      if (++tries <= 5) throw connect_error("connect to nobody", system_code(ECONNREFUSED));
      co_return co_await connect_to(server);
    };
    connection_pool all(make, limits().open(2));
    for (int i = 0; i < 5; ++i) {
      const auto refused = co_await attempt(ask(all, "anybody?"));
      REQUIRE_FALSE(refused);
      REQUIRE(all.in_use() == 0);
    }
    const std::string answer = co_await ask(all, "anybody?");
    REQUIRE(answer.starts_with("you said anybody? "));
  });
}

TEST_CASE_METHOD(app_fixture, "a connection whose peer has closed is not used again",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    const std::uint16_t first = co_await port_used(all, "last");
    co_await hear();
    const std::uint16_t second = co_await port_used(all);
    REQUIRE(first != second);
  });
  REQUIRE(stats().connections_opened == 4);
}

TEST_CASE_METHOD(app_fixture, "a connection that its peer has reset is not used again",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    auto one = co_await all.acquire();
    co_await one->send("break\n");
    co_await hear();
    one.give_back();
    REQUIRE(all.idle() == 0);
    const std::string answer = co_await ask(all, "now?");
    REQUIRE(answer.starts_with("you said now? "));
  });
}

TEST_CASE_METHOD(app_fixture,
                 "a connection on which its peer said more than asked is not used again",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    const std::uint16_t first = co_await port_used(all, "chatter");
    co_await hear();
    const std::string next = co_await ask(all, "now?");
    REQUIRE(next.starts_with("you said now? "));
    REQUIRE_FALSE(next.ends_with(" " + std::to_string(first)));
  });
}

TEST_CASE_METHOD(app_fixture,
                 "no more connections are open than may be, and who waits is served in order",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port(), limits().open(2).idle(0));
    std::vector<int> order;
    std::size_t most = 0;
    const auto use = [&](int number) -> task<> {
      auto one = co_await all.acquire();
      order.push_back(number);
      most = std::max(most, all.in_use());
      co_await one->send("later\n");
      std::ignore = co_await one->until_eol();
      one.give_back();
    };
    co_await with_group([&](group& g) -> task<> {
      for (int i = 0; i < 6; ++i) g.spawn(use, i);
      co_return;
    });
    REQUIRE(order == std::vector<int>{0, 1, 2, 3, 4, 5});
    REQUIRE(most == 2);
    REQUIRE(all.idle() == 0);
  });
  REQUIRE(stats().connections_opened == 4);  // those who wait get what is given back
}

TEST_CASE_METHOD(app_fixture, "who gives up waiting for a connection is left out",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port(), limits().open(1).idle(0));
    auto one = co_await all.acquire();
    const bool in_time = (co_await move_on_after(1ms, ask(all, "two"))).has_value();
    REQUIRE_FALSE(in_time);
    auto third = spawn(ask, std::ref(all), std::string("three"));
    co_await yield();
    one.give_back();
    const std::string answer = co_await third;
    REQUIRE(answer.starts_with("you said three "));
    REQUIRE(all.idle() == 0);

    auto two = co_await all.acquire();
    auto fourth = spawn(ask, std::ref(all), std::string("four"));
    co_await yield();
    two.give_back();
    fourth.cancel();  // what was kept for it is closed
    while (!fourth.done()) co_await yield();
    REQUIRE(all.idle() == 0);
    REQUIRE(all.in_use() == 0);
  });
}

TEST_CASE_METHOD(app_fixture, "so many idle connections are kept, those that were used last",
                 "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port(), limits().idle(2));
    std::vector<connection_lease> held;
    for (int i = 0; i < 4; ++i) held.push_back(co_await all.acquire());
    const std::uint16_t last = held.back()->local().port();
    for (auto& each : held) each.give_back();
    REQUIRE(all.idle() == 2);
    held.clear();
    const std::uint16_t used = co_await port_used(all);
    REQUIRE(used == last);
    all.clear();
    REQUIRE(all.idle() == 0);
    const std::uint16_t fresh = co_await port_used(all);
    REQUIRE(fresh != last);
  });
}

TEST_CASE_METHOD(app_fixture, "an idle connection is closed when its time is over",
                 "[app][connection_pool][not-epoll]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port(), limits().idle_timeout(10s));
    auto one = co_await all.acquire();
    auto two = co_await all.acquire();
    one.give_back();
    const time_point begin = now();
    co_await sleep(4s);
    two.give_back();
    co_await sleep_until(begin + 10s - 1ns);
    REQUIRE(all.idle() == 2);
    co_await sleep(2ns);
    REQUIRE(all.idle() == 1);
    const std::uint16_t port = co_await port_used(all);  // and it begins anew
    co_await sleep(9s);
    REQUIRE(all.idle() == 1);
    co_await sleep(2s);
    REQUIRE(all.idle() == 0);
    const std::uint16_t next = co_await port_used(all);
    REQUIRE(port != next);
    co_await sleep(11s);
  });
  REQUIRE(stats().connections_opened == 6);
  REQUIRE(stats().connections_closed == 6);
}

TEST_CASE_METHOD(app_fixture, "a lease that was given back is empty", "[app][connection_pool]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    connection_pool all("127.0.0.1", server.port());
    auto one = co_await all.acquire();
    connection_lease moved = std::move(one);
    REQUIRE(all.in_use() == 1);
    moved.give_back();
    REQUIRE(all.in_use() == 0);
    moved.give_back();
    one.give_back();
    REQUIRE(all.idle() == 1);
    REQUIRE_FALSE(*moved);
    REQUIRE_THROWS_AS(moved->until_eol(), std::logic_error);
  });
}

TEST_CASE("a pool's limits are sensible", "[app][connection_pool]") {
  REQUIRE_THROWS_AS(connection_pool("db", 1, limits().open(0)), std::invalid_argument);
  REQUIRE_THROWS_AS(connection_pool("db", 1, limits().idle_timeout(-1s)), std::invalid_argument);
}

TEST_CASE("a pool may outlive its loop, whose idle connections end with it",
          "[app][connection_pool]") {
  std::uint16_t port = 0;
  connection_pool all(
      [&port]() -> task<connection> { co_return co_await connect("127.0.0.1", port); });
  for (int i = 0; i < 2; ++i) {  // the second time it serves another one
    test_loop loop;
    service server(answer_lines, 0);
    server.start(loop);
    port = server.port();
    const std::string answer = loop.run(ask, all, std::string("hello"));
    REQUIRE(answer.starts_with("you said hello "));
    REQUIRE(all.idle() == 1);
    server.end_now();
  }
  REQUIRE(all.idle() == 0);
  REQUIRE(all.in_use() == 0);
}

TEST_CASE("a pool is used from one loop at a time", "[app][connection_pool]") {
  test_loop one;
  test_loop other;
  connection_pool all([]() -> task<connection> { throw std::runtime_error("not today"); });
  REQUIRE_THROWS_AS(one.run(ask, all, std::string("hello")), std::runtime_error);
  REQUIRE_THROWS_AS(other.run(ask, all, std::string("hello")), std::logic_error);
}

TEST_CASE("no request gets another one's answer, whatever the network does",
          "[app][connection_pool][not-epoll]") {
  std::size_t answered = 0;
  std::size_t lost = 0;
  testing::simulate(100, [&](testing::world& w) -> task<> {
    w.faults_are(testing::faults()
                     .latency(0ms, 30ms)
                     .split_reads()
                     .resets(0.3)
                     .refused_connects(0.1)
                     .shuffled_turns());
    const auto server = w.serve(service(answer_lines, 0));
    connection_pool all("server", server.port(), limits().open(3).idle(2).idle_timeout(200ms));
    const auto client = [&](int number) -> task<> {
      for (int i = 0; i < 10; ++i) {
        const std::string question = i % 4 == 0 ? "later" : fmt::format("{}-{}", number, i);
        const auto answer =
            co_await attempt(with_timeout(i % 3 == 0 ? 40ms : 10s, ask(all, question)));
        if (answer) {
          REQUIRE(answer->starts_with("you said " + question + " "));
          ++answered;
        } else {
          ++lost;
        }
        REQUIRE(all.in_use() <= 3);
        co_await sleep(duration(10ms) * (i * number % 7));
      }
    };
    co_await with_group([&](group& g) -> task<> {
      for (int number = 1; number <= 8; ++number) g.spawn(client, number);
      co_return;
    });
    REQUIRE(all.in_use() == 0);
    REQUIRE(all.idle() <= 2);
    all.clear();
  });
  REQUIRE(answered > 1000);
  REQUIRE(lost > 100);
}

TEST_CASE("a pool whose user is cancelled at any moment leaves nothing",
          "[app][connection_pool][not-epoll]") {
  testing::cancel_everywhere([](testing::world& w) -> task<> {
    const auto server = w.serve(service(answer_lines, 0));
    connection_pool all("server", server.port(), limits().open(1));
    for (int i = 0; i < 2; ++i) {
      const std::string answer = co_await ask(all, "hello");
      REQUIRE(answer.starts_with("you said hello "));
    }
  });
}

}  // namespace connection_pool_test
