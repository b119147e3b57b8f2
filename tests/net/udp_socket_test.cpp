// Datagram sockets: what comes, from whom, in which order, and what waiting and cancelling leave
// behind.

#include <net/udp_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

namespace udp_socket_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE_METHOD(udp_fixture, "UDP-1: a datagram comes with its sender, and so does the answer",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();

    co_await there.send(here.local(), "hello", " ", std::string("world"));
    const datagram asked = co_await here.receive();
    REQUIRE(asked.view() == "hello world");
    REQUIRE(asked.from == there.local());
    REQUIRE_FALSE(asked.truncated);

    here.send(asked.from, "you said ", asked);
    const datagram answered = co_await there.receive();
    REQUIRE(answered.view() == "you said hello world");
    REQUIRE(answered.from == here.local());
  });
}

TEST_CASE_METHOD(udp_fixture, "UDP-2: many datagrams come one by one, in their order",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    for (int i = 0; i < 100; ++i) there.send(here.local(), fmt::format("{}", i));

    const std::vector<std::string> texts = co_await receive_all(here, 100);

    for (std::size_t i = 0; i < texts.size(); ++i) REQUIRE(texts[i] == std::to_string(i));
  });
}

TEST_CASE_METHOD(udp_fixture, "UDP-3: a closed socket says so, gives what has come, and no more",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    there.send(here.local(), "first");
    there.send(here.local(), "second");
    co_await hears(here, "first");
    REQUIRE_FALSE(here.is_closed());

    here.close();

    REQUIRE(here.is_closed());
    const auto note = co_await here.next_undelivered();
    REQUIRE_FALSE(note);
    while (const auto rest = co_await here.next()) REQUIRE(rest->view() == "second");
    const std::string why = co_await thrown_by(here.receive());
    REQUIRE_THAT(why, ContainsSubstring("closed on this side"));
    REQUIRE_FALSE(here.try_send(there.local(), "too late"));
    REQUIRE_THROWS_AS(here.send(there.local(), "too late"), connection_closed);
  });
}

TEST_CASE_METHOD(udp_fixture, "NEW-16: an empty datagram is a message", "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();

    there.send(here.local());
    there.send(here.local(), "", std::string());
    there.send(here.local(), "after");

    const datagram nothing = co_await here.receive();
    REQUIRE(nothing.empty());
    REQUIRE(nothing.from == there.local());
    co_await hears(here, "");
    co_await hears(here, "after");
  });
}

TEST_CASE_METHOD(udp_fixture, "the largest datagram comes whole", "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const std::string large = pattern(65507);

    co_await there.send(here.local(), large);

    const datagram got = co_await here.receive();
    REQUIRE(got.view() == large);
    REQUIRE_FALSE(got.truncated);
  });
}

TEST_CASE_METHOD(udp_fixture, "a datagram that is too long fails alone", "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const address to = here.local();
    const std::string too_long(65508, 'x');

    REQUIRE_THROWS_AS(there.send(to, too_long), message_too_long);
    try {
      there.send(to, too_long);
    } catch (const error& e) {
      REQUIRE(e.code() == std::errc::message_size);
      REQUIRE_THAT(e.what(), ContainsSubstring("send 65508 bytes to 127.0.0.1"));
      REQUIRE_THAT(e.what(), ContainsSubstring("65507"));
    }
    REQUIRE_FALSE(there.try_send(to, too_long));

    there.send(to, "short");
    co_await hears(here, "short");
  });
}

TEST_CASE_METHOD(udp_fixture, "a datagram over the limit comes without its end, and says so",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    udp_limits small;
    small.datagram_bytes = 4;
    here.limits(small);

    there.send(here.local(), "12345");
    there.send(here.local(), "1234");

    const datagram cut = co_await here.receive();
    REQUIRE(cut.view() == "1234");
    REQUIRE(cut.truncated);
    const datagram whole = co_await here.receive();
    REQUIRE(whole.view() == "1234");
    REQUIRE_FALSE(whole.truncated);
  });
}

TEST_CASE_METHOD(udp_fixture, "receive is an arm of first and consumes nothing when it loses",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();

    auto silent = co_await first(here.receive(), sleep(1ms));
    REQUIRE_FALSE(std::get<0>(silent));
    REQUIRE(std::get<1>(silent));

    there.send(here.local(), "one");
    auto heard = co_await first(here.receive(), sleep(5s));
    REQUIRE(std::get<0>(heard));
    REQUIRE(std::get<0>(heard)->view() == "one");
  });
}

TEST_CASE_METHOD(udp_fixture, "a cancelled receive loses no datagram", "[net][udp][cancel]") {
  std::optional<udp_socket> here;
  std::optional<udp_socket> there;
  run([&]() -> task<> {
    here = any_socket();
    there = any_socket();
    co_return;
  });
  std::vector<std::string> heard;
  const auto listen = [&]() -> task<> { heard.emplace_back((co_await here->receive()).view()); };

  for (int moment = 0; moment < 6; ++moment) {
    auto one = loop.spawn(listen);
    if (moment > 2) loop.loop().run_once(time_point::min());
    there->try_send(here->local(), std::to_string(moment));
    for (int pass = 0; pass < moment; ++pass) loop.loop().run_once(time_point::min());
    one.cancel();
    until([&] { return one.done(); });
  }
  while (heard.size() < 6) run(listen);

  REQUIRE(heard == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
  run([&]() -> task<> {
    here.reset();
    there.reset();
    co_return;
  });
}

TEST_CASE_METHOD(udp_fixture, "a receive with a limit of time times out, and the next one goes on",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();

    const std::string why = co_await thrown_by(with_timeout(1ms, here.receive()));
    REQUIRE_THAT(why, ContainsSubstring("not done within 1 ms"));
    there.send(here.local(), "late");
    const datagram late = co_await with_timeout(5s, here.receive());
    REQUIRE(late.view() == "late");
    const std::optional<datagram> nothing = co_await move_on_after(1ms, here.receive());
    REQUIRE_FALSE(nothing);
  });
}

TEST_CASE_METHOD(udp_fixture, "tasks that receive from one socket are served first come, first",
                 "[net][udp]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    std::vector<std::string> heard;
    const auto listen = [&](char name) -> task<> {
      for (int n = 0; n < 2; ++n)
        heard.push_back(name + std::string((co_await here.receive()).view()));
    };
    auto a = loop.spawn(listen, 'a');
    auto b = loop.spawn(listen, 'b');
    co_await yield();

    for (const char* text : {"1", "2", "3", "4"}) {
      co_await there.send(here.local(), text);
      co_await sleep(1ms);
    }
    co_await a;
    co_await b;

    REQUIRE(heard == std::vector<std::string>{"a1", "b2", "a3", "b4"});
  });
}

TEST_CASE_METHOD(udp_fixture, "who waits when its socket is destroyed is told", "[net][udp]") {
  run([this]() -> task<> {
    std::optional<udp_socket> here = any_socket();
    auto waiting =
        loop.spawn([&]() -> task<std::string> { co_return co_await thrown_by(here->receive()); });
    co_await yield();

    here.reset();

    const std::string why = co_await waiting;
    REQUIRE_THAT(why, ContainsSubstring("closed on this side"));
  });
}

TEST_CASE_METHOD(udp_fixture, "a port that is taken is refused, and a port can be taken again",
                 "[net][udp]") {
  run([]() -> task<> {
    std::optional<udp_socket> here = any_socket();
    const address place = here->local();
    REQUIRE_THROWS_WITH(udp_socket::bind(place), ContainsSubstring("already in use") &&
                                                     ContainsSubstring(place.to_string()));
    here.reset();
    here = udp_socket::bind(place);
    REQUIRE(here->local() == place);
    REQUIRE_THROWS_AS(udp_socket::bind("localhost", 0), std::invalid_argument);
    co_return;
  });
}

TEST_CASE_METHOD(udp_fixture, "NEW-16: clients that come and go leave no descriptor",
                 "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    const std::size_t before = on_sim() ? 0 : descriptors_of_process();
    for (int i = 0; i < 20; ++i) {
      udp_peer client = co_await connect_udp("127.0.0.1", here.local().port());
      co_await client.send("hello");
      const datagram asked = co_await here.receive();
      here.send(asked.from, "bye");
      co_await hears(client, "bye");
    }
    if (!on_sim()) REQUIRE(descriptors_of_process() == before);
  });
  if (on_sim()) REQUIRE(simulation::of(loop).open_descriptors() == 0);
}

TEST_CASE_METHOD(udp_fixture, "a socket that was moved away says so", "[net][udp]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = std::move(here);
    REQUIRE(there);
    REQUIRE_FALSE(here);
    REQUIRE_THROWS_AS(here.receive(), std::logic_error);
    co_return;
  });
}

}  // namespace udp_socket_test
