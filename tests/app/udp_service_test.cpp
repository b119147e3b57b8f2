// Services of datagrams: one task for the socket, or one for each peer, from the start to the stop.

#include <app/app_fixture.hpp>
#include <support/expect.hpp>

#include <cetane/app/udp_service.hpp>
#include <cetane/backend/sim.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/all.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/net/connect_udp.hpp>
#include <cetane/sync/event.hpp>

#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace udp_service_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(udp_socket& socket) {
  for (;;) {
    const datagram packet = co_await socket.receive();
    socket.send(packet.from, "you said ", packet);
  }
}

task<> count(udp_peer& peer) {
  int n = 0;
  while (const auto packet = co_await peer.next()) peer.send(fmt::format("{}: {}", ++n, *packet));
}

connect_udp_op talk_to(const service& s) { return connect_udp("127.0.0.1", s.port()); }

task<> hears(udp_peer& peer, std::string text) {
  const datagram got = co_await peer.receive();
  REQUIRE(got.view() == text);
}

task<std::string> ask(udp_peer& of, std::string text) {
  co_await of.send(text);
  const datagram answer = co_await of.receive();
  co_return std::string(answer.view());
}

task<> answers(udp_peer& peer, std::string text, std::string answer) {
  const std::string got = co_await ask(peer, std::move(text));
  REQUIRE(got == answer);
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "UDP-1: a service answers a client", "[app][udp]") {
  service& server = app.add_service(udp_service(echo, 0));
  const int status = run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await answers(client, "hello", "you said hello");
  });
  REQUIRE(status == 0);
}

TEST_CASE_METHOD(app_fixture, "UDP-2: one client asks many times", "[app][udp]") {
  service& server = app.add_service(udp_service(echo, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    for (int i = 0; i < 100; ++i) {
      const std::string text = std::to_string(i);
      co_await answers(client, text, "you said " + text);
    }
  });
}

TEST_CASE_METHOD(app_fixture, "UDP-3: a client is open until it is closed", "[app][udp]") {
  service& server = app.add_service(udp_service(echo, 0));
  run([&]() -> task<> {
    udp_client client = co_await talk_to(server);
    REQUIRE_FALSE(client.is_closed());
    client.close();
    REQUIRE(client.is_closed());
    REQUIRE_THROWS_AS(client.send("too late"), connection_closed);
    REQUIRE_FALSE(client.try_send("too late"));
  });
}

TEST_CASE_METHOD(app_fixture, "UDP-4: two clients by turns get their own answers", "[app][udp]") {
  service& server = app.add_service(udp_service(echo, 0));
  run([&]() -> task<> {
    udp_peer one = co_await talk_to(server);
    udp_peer other = co_await talk_to(server);
    for (int i = 0; i < 10; ++i) {
      one.send(fmt::format("one {}", i));
      other.send(fmt::format("other {}", i));
      co_await hears(other, fmt::format("you said other {}", i));
      co_await hears(one, fmt::format("you said one {}", i));
    }
  });
}

TEST_CASE_METHOD(app_fixture, "UDP-5: each peer has a session of its own that streams to it",
                 "[app][udp]") {
  const auto stream = [](udp_peer& peer) -> task<> {
    const datagram wanted = co_await peer.receive();
    for (int i = 0; i < 5; ++i) {
      peer.send(fmt::format("{} {}", wanted, i));
      co_await sleep(1ms);
    }
  };
  service& server = app.add_service(udp_session_service(stream, 0));
  const auto listen = [&](std::string name) -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await client.send(name);
    for (int i = 0; i < 5; ++i) {
      co_await hears(client, fmt::format("{} {}", name, i));
    }
  };
  run([&]() -> task<> { co_await all(listen("a"), listen("b"), listen("c")); });
}

TEST_CASE_METHOD(app_fixture, "W16: an empty datagram ends no service", "[app][udp]") {
  service& server = app.add_service(udp_service(echo, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await answers(client, "", "you said ");
    co_await answers(client, "still there?", "you said still there?");
  });
}

TEST_CASE_METHOD(app_fixture, "a session counts for its peer alone", "[app][udp]") {
  service& server = app.add_service(udp_session_service(count, 0));
  run([&]() -> task<> {
    udp_peer one = co_await talk_to(server);
    udp_peer other = co_await talk_to(server);
    co_await answers(one, "a", "1: a");
    co_await answers(one, "b", "2: b");
    co_await answers(other, "c", "1: c");
    co_await answers(one, "d", "3: d");
    REQUIRE(server.connections() == 2);
  });
  REQUIRE(log.of(log::level::error).empty());
}

TEST_CASE_METHOD(app_fixture,
                 "a session ends when its peer is silent too long, and the next begins",
                 "[app][udp][not-epoll]") {
  service& server = app.add_service(udp_session_service(count, 0).idle_timeout(10s));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await answers(client, "a", "1: a");
    co_await sleep(9900ms);
    REQUIRE(server.connections() == 1);
    co_await answers(client, "b", "2: b");
    co_await sleep(10100ms);
    REQUIRE(server.connections() == 0);
    co_await answers(client, "c", "1: c");
  });
}

TEST_CASE_METHOD(app_fixture, "the silence of a peer throws out of receive, which ends the handler",
                 "[app][udp]") {
  std::string why;
  const auto listen = [&](udp_peer& peer) -> task<> {
    co_await peer.receive();
    try {
      co_await peer.receive();
    } catch (const timed_out& e) {
      why = e.what();
      throw;
    }
  };
  service& server = app.add_service(udp_session_service(listen, 0).idle_timeout(20ms));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    client.send("hello");
    while (server.connections() == 0) co_await sleep(1ms);
    while (server.connections() == 1) co_await sleep(1ms);
    REQUIRE_THAT(why, ContainsSubstring("receive from " + client.local().to_string()));
    REQUIRE_THAT(why, ContainsSubstring("20 ms"));
  });
  REQUIRE_FALSE(log.has("unhandled"));
}

TEST_CASE_METHOD(app_fixture, "with as many sessions as it may have a service serves no more peers",
                 "[app][udp]") {
  service& server = app.add_service(udp_session_service(count, 0).max_connections(2));
  run([&]() -> task<> {
    udp_peer one = co_await talk_to(server);
    udp_peer two = co_await talk_to(server);
    udp_peer three = co_await talk_to(server);
    co_await answers(one, "a", "1: a");
    co_await answers(two, "b", "1: b");
    const std::uint64_t dropped = stats().datagrams_dropped;

    const auto answer = co_await move_on_after(20ms, ask(three, "c"));
    REQUIRE_FALSE(answer);

    REQUIRE(stats().datagrams_dropped == dropped + 1);
    co_await answers(one, "d", "2: d");
    REQUIRE(server.connections() == 2);
  });
  REQUIRE(log.has("has 2 sessions, as many as it may"));
}

TEST_CASE_METHOD(app_fixture, "a session is told that its peer is gone, and no other session is",
                 "[app][udp]") {
  std::vector<std::string> ends;
  const auto chatter = [&](udp_peer& peer) -> task<> {
    const datagram first_one = co_await peer.receive();
    try {
      for (;;) {
        peer.send("are you there?");
        co_await sleep(2ms);
        while (auto more = co_await move_on_after(0s, peer.receive())) peer.send(*more);
      }
    } catch (const connection_error& e) {
      ends.push_back(std::string(first_one.view()) + ": " + e.what());
      throw;
    }
  };
  service& server = app.add_service(udp_session_service(chatter, 0));
  run([&]() -> task<> {
    udp_peer stays = co_await talk_to(server);
    std::optional<udp_peer> goes = co_await talk_to(server);
    const std::string gone = goes->local().to_string();
    stays.send("stays");
    goes->send("goes");
    co_await hears(stays, "are you there?");
    co_await hears(*goes, "are you there?");

    goes.reset();

    while (ends.empty()) co_await sleep(1ms);
    REQUIRE(ends[0] == "goes: receive from " + gone + ": connection refused");
    co_await sleep(10ms);
    REQUIRE(ends.size() == 1);
    REQUIRE(server.connections() == 1);
    REQUIRE_FALSE(log.has("unhandled"));
  });
}

TEST_CASE_METHOD(app_fixture, "a service on a Unix socket answers", "[app][udp]") {
  const std::string name = fmt::format("@cetane-udp-service-{}", ::getpid());
  app.add_service(unix_datagram_service(echo, name));
  run([&]() -> task<> {
    udp_peer client = co_await connect_unix_datagram(name);
    co_await answers(client, "hello", "you said hello");
  });
}

TEST_CASE_METHOD(app_fixture, "what a session has not received begins the next one", "[app][udp]") {
  int sessions = 0;
  const auto answer_once = [&](udp_peer& peer) -> task<> {
    ++sessions;
    const datagram asked = co_await peer.receive();
    co_await sleep(5ms);
    peer.send("answer to ", asked);
  };
  service& server = app.add_service(udp_session_service(answer_once, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    for (const char* text : {"a", "b", "c"}) client.send(text);
    for (const char* text : {"a", "b", "c"}) {
      co_await hears(client, std::string("answer to ") + text);
    }
  });
  REQUIRE(sessions == 3);
}

TEST_CASE_METHOD(app_fixture, "a session takes so many datagrams, and those beyond are dropped",
                 "[app][udp]") {
  udp_limits narrow;
  narrow.waiting_datagrams = 3;
  std::vector<std::string> heard;
  bool open = false;
  const auto listen = [&](udp_peer& peer) -> task<> {
    while (!open) co_await sleep(1ms);
    for (int i = 0; i < 3; ++i) heard.emplace_back((co_await peer.receive()).view());
    REQUIRE(peer.dropped() == 2);
    peer.send("done");
  };
  service& server = app.add_service(udp_session_service(listen, 0).limits(narrow));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    for (int i = 0; i < 5; ++i) co_await client.send(std::to_string(i));
    while (stats().datagrams_received < 5) co_await sleep(1ms);
    open = true;
    co_await hears(client, "done");
  });
  REQUIRE(heard == std::vector<std::string>{"0", "1", "2"});
  REQUIRE(stats().datagrams_dropped == 2);
}

TEST_CASE_METHOD(app_fixture, "a handler that fails is logged with its peer and ends alone",
                 "[app][udp]") {
  const auto fragile = [](udp_peer& peer) -> task<> {
    for (;;) {
      const datagram one = co_await peer.receive();
      if (one.view() == "boom") throw std::runtime_error("broken");
      peer.send(one);
    }
  };
  service& server = app.add_service(udp_session_service(fragile, 0).name("fragile"));
  run([&]() -> task<> {
    udp_peer one = co_await talk_to(server);
    udp_peer other = co_await talk_to(server);
    co_await answers(other, "x", "x");
    one.send("boom");
    co_await answers(one, "again", "again");
    co_await answers(other, "y", "y");
    REQUIRE(log.has("fragile (" + one.local().to_string() + "): broken"));
  });
}

TEST_CASE_METHOD(app_fixture, "the handler of a socket that fails is called again", "[app][udp]") {
  int calls = 0;
  const auto fragile = [&](udp_socket& socket) -> task<> {
    ++calls;
    for (;;) {
      const datagram one = co_await socket.receive();
      if (one.view() == "boom") throw std::runtime_error("broken");
      socket.send(one.from, one);
    }
  };
  service& server = app.add_service(udp_service(fragile, 0).name("fragile"));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await client.send("boom");
    co_await answers(client, "what waits is served", "what waits is served");
  });
  REQUIRE(calls == 2);
  REQUIRE(log.has("fragile: broken"));
}

TEST_CASE_METHOD(app_fixture, "a service whose handler returns has ended", "[app][udp]") {
  const auto once = [](udp_socket& socket) -> task<> {
    const datagram one = co_await socket.receive();
    socket.send(one.from, "bye");
  };
  service& server = app.add_service(udp_service(once, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await answers(client, "hello", "bye");
    while (server.connections() != 0) co_await sleep(1ms);
    client.send("anybody?");
    const std::string why = co_await thrown_by(client.receive());
    REQUIRE_THAT(why, ContainsSubstring("connection refused"));
  });
}

TEST_CASE_METHOD(app_fixture, "a stop does not wait for who waits for datagrams", "[app][udp]") {
  service& plain = app.add_service(udp_service(echo, 0));
  service& sessions = app.add_service(udp_session_service(count, 0));
  run([&]() -> task<> {
    udp_peer one = co_await talk_to(plain);
    udp_peer two = co_await talk_to(sessions);
    co_await answers(one, "a", "you said a");
    co_await answers(two, "b", "1: b");
    stop();
  });
  REQUIRE(stopping() < 1s);
  REQUIRE(log.has("0 cut"));
}

TEST_CASE_METHOD(app_fixture, "a stop lets a session finish what it has begun", "[app][udp]") {
  event stopping_begun;
  const auto slow = [&](udp_peer& peer) -> task<> {
    const datagram asked = co_await peer.receive();
    co_await stopping_begun.wait();
    co_await sleep(30ms);
    peer.send("done with ", asked);
  };
  service& server = app.add_service(udp_session_service(slow, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    client.send("work");
    while (server.connections() == 0) co_await sleep(1ms);
    stop();
    stopping_begun.set();
    co_await hears(client, "done with work");
  });
  REQUIRE(log.has("1 drained, 0 cut"));
}

TEST_CASE_METHOD(app_fixture, "a handler that works on at a stop is cut, and its session with it",
                 "[app][udp]") {
  const auto stubborn = [](udp_peer& peer) -> task<> {
    co_await peer.receive();
    for (;;) co_await sleep(1h);
  };
  app.drain(20ms);
  service& server = app.add_service(udp_session_service(stubborn, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    client.send("hello");
    while (server.connections() == 0) co_await sleep(1ms);
  });
  REQUIRE(log.has("0 drained, 1 cut"));
}

TEST_CASE_METHOD(app_fixture, "a peer that a handler has moved away outlives it", "[app][udp]") {
  udp_peer kept;
  const auto give_away = [&](udp_peer& peer) -> task<> {
    co_await peer.receive();
    kept = std::move(peer);
  };
  service& server = app.add_service(udp_session_service(give_away, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    client.send("hello");
    while (!kept || server.connections() != 0) co_await sleep(1ms);
    REQUIRE(kept.is_closed());
    const auto nothing = co_await kept.next();
    REQUIRE_FALSE(nothing);
    kept = udp_peer();
  });
}

TEST_CASE_METHOD(app_fixture, "W27: a service of datagrams can be stopped, and its handler ends",
                 "[app][udp]") {
  bool ended = false;
  const auto listen = [&](udp_socket& socket) -> task<> {
    while (const auto one = co_await socket.next()) socket.send(one->from, *one);
    ended = true;
  };
  service& server = app.add_service(udp_service(listen, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    co_await answers(client, "hello", "hello");
    server.stop();
    while (!ended) co_await sleep(1ms);
    client.send("anybody?");
    const std::string why = co_await thrown_by(client.receive());
    REQUIRE_THAT(why, ContainsSubstring("connection refused"));
  });
}

TEST_CASE_METHOD(app_fixture, "a port that is taken is refused with a remedy", "[app][udp]") {
  service first = udp_service(echo, 0);
  first.start(loop);
  service second = udp_service(echo, first.port());
  REQUIRE_THROWS_WITH(second.start(loop), ContainsSubstring("already in use") &&
                                              ContainsSubstring("port 0 for any free port"));
  service third = udp_session_service(count, first.port());
  REQUIRE_THROWS_AS(third.start(loop), error);
  first.end_now();
}

TEST_CASE_METHOD(app_fixture, "a task that outlives its session is told that it has ended",
                 "[app][udp]") {
  std::string why;
  const auto leave_one_behind = [&](udp_peer& peer) -> task<> {
    co_await peer.receive();
    fork([&](udp_peer& of) -> task<> { why = co_await thrown_by(of.receive()); }, std::ref(peer));
    co_await yield();
    co_await yield();
  };
  service& server = app.add_service(udp_session_service(leave_one_behind, 0));
  run([&]() -> task<> {
    udp_peer client = co_await talk_to(server);
    client.send("hello");
    while (why.empty()) co_await sleep(1ms);
  });
  REQUIRE_THAT(why, ContainsSubstring("closed on this side"));
}

TEST_CASE_METHOD(app_fixture, "the idle timeout of a service holds for connections, too",
                 "[app][udp]") {
  std::string why;
  const auto listen = [&](connection& peer) -> task<> {
    why = co_await thrown_by(peer.until_eol());
  };
  service& server = app.add_service(service(listen, 0).idle_timeout(10ms));
  run([&]() -> task<> {
    connection client = co_await connect_to(server);
    co_await client.closed();
  });
  REQUIRE_THAT(why, ContainsSubstring("read a line from"));
}

TEST_CASE_METHOD(app_fixture, "a service of datagrams is on no TCP port", "[app][udp]") {
  service over_tcp = service(echo_lines, 0);
  over_tcp.start(loop);
  service over_udp = udp_service(echo, over_tcp.port());
  over_udp.start(loop);
  REQUIRE(over_udp.port() == over_tcp.port());
  over_udp.end_now();
  over_tcp.end_now();
}

TEST_CASE("a service of datagrams gives no connections away", "[app][udp]") {
  REQUIRE_THROWS_AS(udp_service(echo, 0).run_in(thread_per_connection()), std::logic_error);
  REQUIRE_THROWS_AS(udp_service(echo, 65536), std::invalid_argument);
  REQUIRE_THROWS_AS(udp_session_service(count, -1), std::invalid_argument);
}

}  // namespace udp_service_test
