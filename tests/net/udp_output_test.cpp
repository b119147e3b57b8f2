// Datagrams that find no room: they wait in a queue with a limit, and who sends waits.

#include <net/udp_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

#include <unistd.h>

namespace udp_output_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A Unix socket keeps ten datagrams for its owner at most, and makes senders wait beyond that.
address unix_name(const char* part) {
  static int number = 0;
  return address::unix_path(fmt::format("@cetane-udp-output-{}-{}-{}", part, ::getpid(), ++number));
}

const std::string kilobyte(1000, 'k');

// How many datagrams wait at most with these limits: ten at the receiver, and in the queue.
udp_limits narrow() {
  udp_limits limits;
  limits.output_high_bytes = 4000;
  limits.output_low_bytes = 2000;
  limits.output_bytes = 8000;
  return limits;
}

}  // namespace

TEST_CASE_METHOD(udp_fixture, "what finds no room is queued, and leaves in its order",
                 "[net][udp][output]") {
  run([]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    for (int i = 0; i < 40; ++i) there.send(here.local(), fmt::format("{}", i));
    REQUIRE(there.queued_bytes() > 0);

    const std::vector<std::string> heard = co_await receive_all(here, 40);

    for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i] == std::to_string(i));
    while (there.queued_bytes() != 0) co_await sleep(1ms);
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(udp_fixture, "try_send says false when there is no room, and sends nothing",
                 "[net][udp][output]") {
  run([]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    there.limits(narrow());
    std::size_t taken = 0;
    while (taken < 100 && there.try_send(here.local(), kilobyte)) ++taken;
    REQUIRE(taken > 10);
    REQUIRE(taken < 20);
    REQUIRE(there.queued_bytes() <= 8000);

    const std::vector<std::string> heard = co_await receive_all(here, taken);
    REQUIRE(heard.back() == kilobyte);
    REQUIRE(there.try_send(here.local(), "more"));
    co_await hears(here, "more");
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(udp_fixture, "who awaits a send waits while much is queued, and loses nothing",
                 "[net][udp][output]") {
  run([this]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    there.limits(narrow());
    int sent = 0;
    const auto send_many = [&]() -> task<> {
      for (; sent < 100; ++sent) co_await there.send(here.local(), std::to_string(sent), kilobyte);
    };
    auto sender = loop.spawn(send_many);
    co_await sleep(20ms);
    REQUIRE(sent > 10);
    REQUIRE(sent < 20);

    const std::vector<std::string> heard = co_await receive_all(here, 100);
    co_await sender;
    for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i].starts_with(std::to_string(i)));
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(udp_fixture, "even when there is no room at all, who awaits loses nothing",
                 "[net][udp][output]") {
  run([this]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    there.limits(narrow());
    int ended = 0;
    const auto send_one = [&](int number) -> task<> {
      co_await there.send(here.local(), std::to_string(number), kilobyte);
      ++ended;
    };
    std::vector<join_handle<>> senders;
    for (int i = 0; i < 40; ++i) senders.push_back(loop.spawn(send_one, i));
    co_await sleep(5ms);
    REQUIRE(ended < 40);

    const std::vector<std::string> heard = co_await receive_all(here, 40);
    for (auto& each : senders) co_await each;
    REQUIRE(heard.size() == 40);
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(udp_fixture,
                 "what is sent without waiting is dropped beyond the limit, and counted",
                 "[net][udp][output]") {
  run([this]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    there.limits(narrow());
    for (int i = 0; i < 40; ++i) there.send(here.local(), kilobyte);
    const std::size_t lost = there.dropped();
    REQUIRE(lost > 20);
    REQUIRE(stats().datagrams_dropped == lost);

    const std::vector<std::string> heard = co_await receive_all(here, 40 - lost);
    REQUIRE(heard.size() == 40 - lost);
    const std::optional<datagram> more = co_await move_on_after(20ms, here.receive());
    REQUIRE_FALSE(more);
  });
}

TEST_CASE_METHOD(udp_fixture, "one peer that takes nothing does not hold up the others",
                 "[net][udp][output]") {
  run([]() -> task<> {
    udp_socket slow = udp_socket::bind(unix_name("slow"));
    udp_socket quick = udp_socket::bind(unix_name("quick"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    for (int i = 0; i < 20; ++i) there.send(slow.local(), "later");
    REQUIRE(there.queued_bytes() > 0);

    for (int i = 0; i < 50; ++i) {
      there.send(quick.local(), std::to_string(i));
      co_await hears(quick, std::to_string(i));
    }
    const std::vector<std::string> heard = co_await receive_all(slow, 20);
    REQUIRE(heard.size() == 20);
  });
}

TEST_CASE_METHOD(udp_fixture,
                 "a cancelled wait to send takes back what was not queued, and no more",
                 "[net][udp][output][cancel]") {
  run([]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_socket there = udp_socket::bind(unix_name("there"));
    there.limits(narrow());
    std::size_t before = 0;
    while (there.try_send(here.local(), kilobyte)) ++before;

    const bool in_time = co_await move_on_after(5ms, there.send(here.local(), "beyond", kilobyte));
    REQUIRE_FALSE(in_time);

    const std::vector<std::string> heard = co_await receive_all(here, before);
    REQUIRE(heard.back() == kilobyte);
    const std::optional<datagram> more = co_await move_on_after(20ms, here.receive());
    REQUIRE_FALSE(more);
    REQUIRE(there.dropped() == 1);
  });
}

TEST_CASE_METHOD(udp_fixture, "who waits to send from a socket that is closed is told",
                 "[net][udp][output]") {
  run([this]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    std::optional<udp_socket> there = udp_socket::bind(unix_name("there"));
    there->limits(narrow());
    while (there->try_send(here.local(), kilobyte)) {
    }
    const auto send_one = [&]() -> task<std::string> {
      co_return co_await thrown_by(there->send(here.local(), "beyond", kilobyte));
    };
    auto one = loop.spawn(send_one);
    auto other = loop.spawn(send_one);
    co_await yield();
    there->close();
    const std::string closed = co_await one;
    REQUIRE_THAT(closed, ContainsSubstring("closed on this side"));
    there.reset();
    const std::string gone = co_await other;
    REQUIRE_THAT(gone, ContainsSubstring("closed on this side"));
  });
}

TEST_CASE_METHOD(udp_fixture, "a connected socket goes on as soon as its peer has room",
                 "[net][udp][output]") {
  run([this]() -> task<> {
    udp_socket here = udp_socket::bind(unix_name("here"));
    udp_peer client = co_await connect_udp(here.local());
    const auto send_many = [&]() -> task<> {
      for (int i = 0; i < 300; ++i) co_await client.send(std::to_string(i), kilobyte);
    };
    auto sender = loop.spawn(send_many);
    const std::vector<std::string> heard = co_await receive_all(here, 300);
    co_await sender;
    for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i].starts_with(std::to_string(i)));
    REQUIRE(client.dropped() == 0);
  });
}

TEST_CASE_METHOD(udp_fixture, "a sender over UDP waits for the network, too",
                 "[net][udp][output][not-epoll]") {
  udp_fixture slow(make_sim_backend(sim_options(test_seed()).set_latency(10ms, 10ms)));
  slow.run([&]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const std::string block(30'000, 'b');
    const time_point begin = slow.loop.loop().now();
    for (int i = 0; i < 12; ++i) co_await there.send(here.local(), block);
    REQUIRE(slow.loop.loop().now() - begin >= 20ms);
    for (int i = 0; i < 2; ++i) {
      const datagram one = co_await here.receive();
      REQUIRE(one.size() == block.size());
    }
  });
}

}  // namespace udp_output_test
