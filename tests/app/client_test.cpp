// Clients: one call at a time, and nobody gets the answer to what somebody else has asked.
#include <cetane/app/client.hpp>

#include <app/app_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>
#include <cetane/sync/pool.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace client_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

// [client]
class questioner : public cetane::client {
 public:
  using client::client;

  cetane::task<std::string> ask(std::string question) {
    call asking(*this, "ask");
    co_await asking->send(question, "\n");
    const std::string answer = co_await asking->until_eol();
    asking.done();
    co_return cetane::trim(answer);
  }
};
// [/client]

class line_client : public questioner {
 public:
  using questioner::questioner;

  // Connects, and waits for the greeting: what diesel's on_connect was for.
  static task<line_client> greeted(std::uint16_t port) {
    line_client fresh(co_await connect("127.0.0.1", port));
    call greeting(fresh, "greeting");
    fresh.hello_ = trim(co_await greeting->until_eol());
    greeting.done();
    co_return fresh;
  }

  task<> ask_and_wait(event& asked) {
    call asking(*this, "ask_and_wait");
    co_await asking->send("one\n");
    std::ignore = co_await asking->until_eol();
    asking.done();
    asked.set();
    co_await sleep(1ms);
  }

  task<> hang() {
    call hanging(*this, "hang");
    std::ignore = co_await hanging->until_eol();
    hanging.done();
  }

  task<> fail() {
    call failing(*this, "fail");
    co_await failing->send("never answered\n");
    throw error("do something else", system_code(EINVAL));
  }

  const std::string& hello() const noexcept { return hello_; }

 private:
  std::string hello_;
};

static_assert(!std::is_copy_constructible_v<line_client>);
static_assert(std::is_nothrow_move_constructible_v<line_client>);

task<line_client> client_of(const service& of) {
  line_client made(co_await connect_to(of));
  co_return made;
}

task<> answer_lines(connection& peer) {
  while (auto line = co_await peer.next_line()) co_await peer.print("you said {}\n", *line);
}

// "later" is answered after a second, the others at once.
task<> answer_in_order(connection& peer) {
  while (auto line = co_await peer.next_line()) {
    if (*line == "later") co_await sleep(20ms);
    co_await peer.print("you said {}\n", *line);
  }
}

task<> greet(connection& peer) {
  co_await peer.send("hello\n");
  co_await answer_lines(peer);
}

template <class T>
std::string what_of(const result<T>& of) {
  return of ? "none" : fmt::format("{}", of.error());
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "TCP-1 TCP-2 a client asks, and asks again", "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  std::vector<std::string> heard;
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    for (const char* question : {"one", "two", "three"}) {
      heard.push_back(co_await c.ask(question));
    }
  });
  REQUIRE(heard == std::vector<std::string>{"you said one", "you said two", "you said three"});
}

TEST_CASE_METHOD(app_fixture, "TCP-3 a client says whether it is closed", "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    REQUIRE_FALSE(c.is_closed());
    REQUIRE(c.is_idle());
    REQUIRE(c.remote().port() == server.port());
    c.close();
    REQUIRE(c.is_closed());
    REQUIRE_FALSE(c.is_idle());
    const auto late = co_await attempt(c.ask("anybody?"));
    REQUIRE_THAT(what_of(late), EndsWith(": the connection was closed on this side"));
    REQUIRE_THAT(what_of(late), ContainsSubstring("ask on 127.0.0.1:"));
  });
}

TEST_CASE_METHOD(app_fixture, "TCP-4 a client is made with what it says first", "[app][client]") {
  const service& server = app.add_service(service(greet, 0));
  run([&]() -> task<> {
    line_client c = co_await line_client::greeted(server.port());
    REQUIRE(c.hello() == "hello");
    const std::string answer = co_await c.ask("more?");
    REQUIRE(answer == "you said more?");
  });
}

TEST_CASE_METHOD(app_fixture,
                 "W17 a second call of a busy client is refused, and the first goes on",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_in_order, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    auto first = spawn(&line_client::ask, std::ref(c), std::string("later"));
    co_await yield();
    REQUIRE_FALSE(c.is_idle());
    std::string refusal;
    try {
      const std::string swapped = co_await c.ask("mine?");
      FAIL(swapped);
    } catch (const client_busy& e) {
      refusal = e.what();
    }
    REQUIRE(refusal == fmt::format("ask on 127.0.0.1:{}: its client is busy with \"ask\"; await "
                                   "that first, or let each task have a client of its own, from a "
                                   "connection_pool",
                                   server.port()));
    const std::string answer = co_await first;
    REQUIRE(answer == "you said later");
    const std::string next = co_await c.ask("now?");
    REQUIRE(next == "you said now?");
  });
}

TEST_CASE_METHOD(app_fixture, "a call that is done leaves the next one alone when it goes",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_in_order, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    event asked;
    auto first = spawn(&line_client::ask_and_wait, std::ref(c), std::ref(asked));
    co_await asked.wait();
    const std::string second = co_await c.ask("later");  // the first ends meanwhile
    REQUIRE(first.done());
    REQUIRE(second == "you said later");
    REQUIRE(c.is_idle());
  });
}

TEST_CASE_METHOD(app_fixture, "W22 a call that ran out of time closes the client's connection",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_in_order, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    const auto late = co_await move_on_after(1ms, c.ask("later"));
    REQUIRE_FALSE(late.has_value());
    REQUIRE(c.is_closed());
    const auto next = co_await attempt(c.ask("now?"));  // must not get the answer to "later"
    REQUIRE_FALSE(next);
  });
}

TEST_CASE_METHOD(app_fixture, "W22 a call that fails closes the client's connection",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    const auto failed = co_await attempt(c.fail());
    REQUIRE_FALSE(failed);
    REQUIRE(c.is_closed());
  });
}

TEST_CASE_METHOD(app_fixture, "W22 a call whose task is destroyed closes the client's connection",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  auto kept = std::make_unique<std::optional<line_client>>();
  run([&]() -> task<> {
    kept->emplace(co_await client_of(server));
    service asks([](connection&, line_client& by) -> task<> { co_await by.hang(); }, 0,
                 std::ref(**kept));
    asks.start(loop);
    connection knock = co_await connect_to(asks);
    while ((*kept)->is_idle()) co_await sleep(1ms);
    asks.end_now();
    REQUIRE((*kept)->is_closed());
    kept->reset();
  });
}

TEST_CASE_METHOD(app_fixture, "a client closes its connection with the task that owns it",
                 "[app][client]") {
  event gone;
  const auto until_end = [](connection& peer, event& ended) -> task<> {
    while (co_await peer.next_line()) {
    }
    ended.set();
  };
  const service& server = app.add_service(service(until_end, 0, std::ref(gone)));
  run([&]() -> task<> {
    const auto own_one = [&]() -> task<> {
      line_client c = co_await client_of(server);
      co_await c.hang();
    };
    auto owner = spawn(own_one);
    while (server.connections() == 0) co_await sleep(1ms);
    owner.cancel();
    co_await gone.wait();
  });
  run_until(loop, [&] { return stats().connections_opened == stats().connections_closed; });
}

TEST_CASE_METHOD(app_fixture, "a call of a client whose owner has gone ends by connection_closed",
                 "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    auto c = std::make_unique<line_client>(co_await client_of(server));
    auto hanging = spawn(&line_client::hang, std::ref(*c));
    while (c->is_idle()) co_await yield();
    c.reset();
    bool closed = false;
    try {
      co_await hanging;
    } catch (const connection_closed&) {
      closed = true;
    }
    REQUIRE(closed);
  });
}

TEST_CASE_METHOD(app_fixture, "NEW-20 a handler's client talks over its own connection",
                 "[app][client]") {
  const service& inner = app.add_service(service(answer_lines, 0));
  const auto ask_inside = [](connection& peer, const service& of) -> task<> {
    line_client inside = co_await client_of(of);
    while (auto line = co_await peer.next_line()) {
      const std::string answer = co_await inside.ask(*line);
      co_await peer.print("inside: {}\n", answer);
    }
  };
  const service& outer = app.add_service(service(ask_inside, 0, std::cref(inner)));
  run([&]() -> task<> {
    line_client c = co_await client_of(outer);
    const std::string answer = co_await c.ask("who?");
    REQUIRE(answer == "inside: you said who?");
  });
}

TEST_CASE_METHOD(app_fixture, "a client to which somebody speaks unasked is not idle",
                 "[app][client]") {
  const service& server = app.add_service(service(greet, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    while (c.is_idle()) co_await sleep(1ms);
    REQUIRE_FALSE(c.is_closed());
  });
}

TEST_CASE_METHOD(app_fixture, "a client may be kept in a pool", "[app][client]") {
  const service& server = app.add_service(service(answer_in_order, 0));
  run([&]() -> task<> {
    pool<line_client> clients([&] { return client_of(server); });
    clients.check([](line_client& c) { return c.is_idle(); });
    {
      auto one = co_await clients.acquire();
      const auto late = co_await move_on_after(1ms, one->ask("later"));
      REQUIRE_FALSE(late.has_value());
    }
    REQUIRE(clients.idle() == 1);
    auto two = co_await clients.acquire();  // it is closed, and another is made
    const std::string answer = co_await two->ask("two");
    REQUIRE(answer == "you said two");
  });
}

TEST_CASE_METHOD(app_fixture, "an empty client says so", "[app][client]") {
  const service& server = app.add_service(service(answer_lines, 0));
  run([&]() -> task<> {
    line_client c = co_await client_of(server);
    const line_client other = std::move(c);
    REQUIRE_THROWS_AS(c.is_closed(), std::logic_error);
    c.close();  // nothing to close
    REQUIRE_FALSE(other.is_closed());
    REQUIRE_THROWS_AS(line_client(connection()), std::logic_error);
  });
}

}  // namespace client_test
