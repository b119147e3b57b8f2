// Datagrams between the hosts of a simulated network, and services of them in a test.
#include "host_fixture.hpp"

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace datagram_hosts_test {

using namespace cetane;
using namespace cetane::test;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint16_t port = 53;

// Says who has asked how often.
task<> count(udp_peer& peer) {
  int n = 0;
  while (const auto question = co_await peer.next())
    peer.send(fmt::format("{} from {}: {}", ++n, peer.remote().host(), *question));
}

task<> answer(udp_socket& socket, std::vector<std::string>& heard) {
  while (const auto question = co_await socket.next()) {
    heard.emplace_back(question->view());
    socket.try_send(question->from, "heard ", *question);
  }
}

// The answer, or the words for what came instead.
task<std::string> ask(udp_peer& whom, std::string text) {
  std::exception_ptr failed;
  try {
    whom.send(text);
    const auto answer = co_await move_on_after(10s, whom.receive());
    co_return answer ? std::string(answer->view()) : "silence";
  } catch (const error&) {
    failed = std::current_exception();
  }
  co_return why(failed);
}

task<std::string> ask_once(std::string host, std::string text) {
  udp_peer there = co_await connect_udp(std::move(host), port);
  co_return co_await ask(there, std::move(text));
}

task<std::string> ask_from(testing::host& here, std::string host, std::string text) {
  auto asking = here.spawn(ask_once, std::move(host), std::move(text));
  co_return co_await asking;
}

}  // namespace

TEST_CASE("a service of datagrams answers other hosts, and both see the other's address",
          "[testing][hosts][udp]") {
  simulate(10, [](world& w) -> task<> {
    auto& dns = w.host("dns");
    auto& web = w.host("web");
    const auto& server = dns.serve(udp_session_service(count, port));
    REQUIRE(server.port() == port);
    const auto talk = [](std::string dns_ip, std::string own_ip) -> task<std::string> {
      udp_peer there = co_await connect_udp("dns", port);
      REQUIRE(there.remote().host() == dns_ip);
      REQUIRE(there.local().host() == own_ip);
      const std::string first = co_await ask(there, "a");
      const std::string second = co_await ask(there, "b");
      co_return first + ", " + second;
    };

    auto talking = web.spawn(talk, dns.ip(), web.ip());
    const std::string of_web = co_await talking;
    const std::string of_test = co_await ask_once("dns", "c");

    REQUIRE(of_web == fmt::format("1 from {}: a, 2 from {}: b", web.ip(), web.ip()));
    REQUIRE_THAT(of_test, ContainsSubstring("1 from 10.0.0.1: c"));
    REQUIRE(server.connections() == 2);
  });
}

TEST_CASE("each host has ports, and names of Unix sockets, of its own", "[testing][hosts][udp]") {
  world(1).run([](world& w) -> task<> {
    auto& one = w.host("one");
    auto& other = w.host("other");
    const auto here = [](std::string who) -> task<std::string> {
      udp_socket named = udp_socket::bind(address::unix_path("@name"));
      udp_socket at_port = udp_socket::bind("0.0.0.0", port);
      udp_peer there = co_await connect_unix_datagram("@name");
      co_await there.send(who);
      const datagram got = co_await named.receive();
      co_await sleep(1s);  // so that both are there at once
      co_return std::string(got.view());
    };
    auto of_one = one.spawn(here, "one");
    auto of_other = other.spawn(here, "other");
    const std::string first = co_await of_one;
    const std::string second = co_await of_other;

    REQUIRE(first == "one");
    REQUIRE(second == "other");
  });
}

TEST_CASE("a socket is bound to no other host's address", "[testing][hosts][udp]") {
  world(1).run([](world& w) -> task<> {
    auto& dns = w.host("dns");
    REQUIRE_THROWS_AS(udp_socket::bind(dns.ip(), 0), error);
    REQUIRE_NOTHROW(udp_socket::bind("10.0.0.1", 0));
    co_return;
  });
}

TEST_CASE("while the network is cut datagrams are lost, and nobody is told",
          "[testing][partition][udp]") {
  simulate(10, [](world& w) -> task<> {
    std::vector<std::string> heard;
    auto& dns = w.host("dns");
    auto& web = w.host("web");
    const auto& server = dns.serve(udp_service(answer, port, std::ref(heard)));
    REQUIRE(server.port() == port);
    w.partition(dns, web);
    const std::string cut = co_await ask_from(web, "dns", "while it is cut");
    const std::string other = co_await ask_once("dns", "from elsewhere");
    w.reconnect(dns, web);
    const std::string mended = co_await ask_from(web, "dns", "after that");
    w.partition_one_way(dns, web);
    const std::string one_way = co_await ask_from(web, "dns", "no answer comes");

    REQUIRE(cut == "silence");
    REQUIRE(other == "heard from elsewhere");
    REQUIRE(mended == "heard after that");
    REQUIRE(one_way == "silence");
    REQUIRE(heard == std::vector<std::string>{"from elsewhere", "after that", "no answer comes"});
    REQUIRE(w.faults_met() == 0);
  });
}

TEST_CASE("what is on its way when the network is cut is lost, and comes not when it is mended",
          "[testing][partition][udp]") {
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().latency(1s, 1s));
    std::vector<std::string> heard;
    auto& dns = w.host("dns");
    const auto& server = dns.serve(udp_service(answer, port, std::ref(heard)));
    REQUIRE(server.port() == port);
    udp_peer there = co_await connect_udp("dns", port);
    there.send("lost");
    w.partition(dns);
    co_await sleep(5s);
    w.reconnect(dns);
    co_await sleep(5s);
    there.send("heard");
    co_await sleep(5s);

    REQUIRE(heard == std::vector<std::string>{"heard"});
  });
}

TEST_CASE("a crashed host answers nothing, and one that is up again that nobody receives",
          "[testing][crash][udp]") {
  world(1).run([](world& w) -> task<> {
    auto& dns = w.host("dns");
    const auto& program =
        dns.run([](application& app) { app.add_service(udp_session_service(count, port)); });
    const auto& served_only = w.host("other").serve(udp_session_service(count, port));
    udp_peer there = co_await connect_udp("dns", port);
    udp_peer other = co_await connect_udp("other", port);
    const std::string before = co_await ask(there, "a");
    const std::string other_before = co_await ask(other, "a");
    dns.crash();
    w.host("other").crash();
    const std::string down = co_await ask(there, "b");
    dns.restart();
    w.host("other").restart();
    const std::string up = co_await ask(there, "c");
    const std::string other_up = co_await ask(other, "c");

    REQUIRE(before == "1 from 10.0.0.1: a");
    REQUIRE(other_before == before);
    REQUIRE(down == "silence");
    REQUIRE(up == "1 from 10.0.0.1: c");  // the program runs again, and knows nobody
    REQUIRE_THAT(other_up, ContainsSubstring("refused"));
    REQUIRE(served_only.connections() == 0);
    static_cast<void>(program);
  });
}

TEST_CASE("an address that no host has cannot be reached, which takes 3 s to find out",
          "[testing][hosts][udp]") {
  world(1).run([](world& w) -> task<> {
    w.host("dns");
    udp_socket here = udp_socket::bind("0.0.0.0", 0);
    const address nowhere = *address::parse_ip("10.0.0.77", port);
    const duration before = w.elapsed();
    here.send(nowhere, "is anybody there?");
    const auto note = co_await here.next_undelivered();

    REQUIRE(note);
    REQUIRE(note->to == nowhere);
    REQUIRE(note->why == system_code(EHOSTUNREACH));
    REQUIRE(w.elapsed() - before >= 3s);
    REQUIRE(w.elapsed() - before < 4s);
  });
}

TEST_CASE("a group has members on all hosts, and those that are cut off hear nothing",
          "[testing][partition][udp]") {
  world(1).run([](world& w) -> task<> {
    const address group = *address::parse_ip("239.1.2.3", port);
    std::vector<std::string> heard;
    const auto be_member = [&](std::string who) -> task<> {
      udp_socket socket = udp_socket::bind("0.0.0.0", port);
      socket.join(group);
      while (const auto word = co_await move_on_after(10s, socket.receive()))
        heard.push_back(fmt::format("{}: {} says {}", who, word->from.host(), *word));
    };
    auto one = w.host("one").spawn(be_member, "one");
    auto other = w.host("other").spawn(be_member, "other");
    auto far = w.host("far").spawn(be_member, "far");
    udp_socket here = udp_socket::bind("0.0.0.0", 0);
    co_await sleep(1s);
    w.partition(w.host("far"));
    here.send(group, "hello");
    co_await one;
    co_await other;
    co_await far;

    REQUIRE(heard ==
            std::vector<std::string>{"one: 10.0.0.1 says hello", "other: 10.0.0.1 says hello"});
  });
}

TEST_CASE("a service of datagrams in a test ends with its object", "[testing][world][udp]") {
  world(1).run([](world& w) -> task<> {
    std::vector<std::string> heard;
    std::optional<udp_peer> to_one, to_each;
    {
      const auto& one = w.serve(udp_service(answer, 0, std::ref(heard)));
      const auto& each = w.serve(udp_session_service(count, 0));
      to_one = co_await connect_udp("any name", one.port());
      to_each = co_await connect_udp("any name", each.port());
      const std::string from_one = co_await ask(*to_one, "a");
      const std::string from_each = co_await ask(*to_each, "b");
      REQUIRE(from_one == "heard a");
      REQUIRE(from_each == "1 from 127.0.0.1: b");
      REQUIRE(one.connections() == 1);
      REQUIRE(each.connections() == 1);
      REQUIRE(w.open_descriptors() == 4);
    }
    REQUIRE(w.open_descriptors() == 2);
    const std::string from_one = co_await ask(*to_one, "a");
    const std::string from_each = co_await ask(*to_each, "b");

    REQUIRE_THAT(from_one, ContainsSubstring("refused"));
    REQUIRE_THAT(from_each, ContainsSubstring("refused"));
    REQUIRE(heard == std::vector<std::string>{"a"});
  });
}

TEST_CASE("a conversation in datagrams may be cut short at any moment",
          "[testing][cancel_everywhere][udp]") {
  const std::size_t moments = cancel_everywhere([](world& w) -> task<> {
    std::vector<std::string> heard;
    const auto& one = w.serve(udp_service(answer, 0, std::ref(heard)));
    const auto& each = w.serve(udp_session_service(count, 0));
    for (const std::uint16_t where : {one.port(), each.port()}) {
      udp_peer there = co_await connect_udp("there", where);
      for (int i = 0; i < 3; ++i) {
        co_await there.send("question");
        co_await there.receive();
        co_await sleep(1s);
      }
    }
  });
  CHECK(moments > 10);
}

TEST_CASE("who waits for the room of a Unix socket goes on when that is closed",
          "[testing][faults][udp]") {
  world(1).run([](world& w) -> task<> {
    std::optional<udp_socket> there = udp_socket::bind(address::unix_path("@full"));
    udp_peer here = co_await connect_unix_datagram("@full");
    for (int i = 0; i < 20; ++i) here.send("more than it keeps");
    co_await sleep(1s);
    there.reset();
    co_await sleep(1s);
    const std::string told = co_await ask(here, "and now?");

    REQUIRE_THAT(told, ContainsSubstring("refused"));
    REQUIRE(w.bytes_in_flight() == 0);
  });
}

}  // namespace datagram_hosts_test
