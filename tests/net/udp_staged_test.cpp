// Datagrams that leave together: what is sent in one pass of the loop, in its order, and what is
// said of one that the system refuses then.

#include <net/udp_fixture.hpp>

#include <os/datagram_outbox.hpp>
#include <support/forwarding_backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>

namespace udp_staged_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// Counts the calls that send, and gives those for several the results that it is told to.
class scripted_backend final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  ssize_t send(detail::datagram_io& socket, const address* to, const iovec* parts,
               int count) noexcept override {
    ++single;
    return forwarding_backend::send(socket, to, parts, count);
  }
  int send_several(detail::datagram_io& socket, const os::datagram_outbox& what,
                   std::size_t first) noexcept override {
    ++several;
    if (script.empty()) return forwarding_backend::send_several(socket, what, first);
    const int said = script.front();
    script.pop_front();
    for (int i = 0; i < said; ++i) send_one(socket, what, first + static_cast<std::size_t>(i));
    return said;
  }

  int single = 0;
  int several = 0;
  std::deque<int> script;  // how many leave, or a negative errno value

 private:
  void send_one(detail::datagram_io& socket, const os::datagram_outbox& what, std::size_t index) {
    const address to = what.place(index).value();
    const std::string_view bytes = what.bytes(index);
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const bool has_place = to.family() != address_family::none;
    const ssize_t sent = forwarding_backend::send(socket, has_place ? &to : nullptr, &part, 1);
    REQUIRE(sent == static_cast<ssize_t>(bytes.size()));
  }
};

struct staged_fixture : udp_fixture {
  staged_fixture() : udp_fixture(std::make_unique<scripted_backend>(make_test_backend())) {}
  scripted_backend& io() { return static_cast<scripted_backend&>(loop.loop().io()); }
};

std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(std::to_string(i));
  return all;
}

void send_numbers(udp_socket& from, const udp_socket& to, int count) {
  for (int i = 0; i < count; ++i) from.send(to.local(), std::to_string(i));
}

// The next datagrams are those that send_numbers() sends.
task<> hears_numbers(udp_socket& here, int count) {
  const std::vector<std::string> heard =
      co_await receive_all(here, static_cast<std::size_t>(count));
  REQUIRE(heard == numbers(0, count));
}

}  // namespace

TEST_CASE_METHOD(staged_fixture, "what is sent in one pass leaves with one call",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    send_numbers(there, here, 20);
    REQUIRE(io().single == 1);  // that tells whether it can be sent at all
    REQUIRE(io().several == 0);

    const std::vector<std::string> heard = co_await receive_all(here, 20);

    REQUIRE(heard == numbers(0, 20));
    REQUIRE(io().single == 1);
    REQUIRE(io().several == 1);
  });
}

TEST_CASE_METHOD(staged_fixture, "an answer to who was heard needs no call of its own",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_peer client = co_await connect_udp(here.local());
    co_await client.send("hello");
    const datagram asked = co_await here.receive();
    REQUIRE(io().single == 1);

    here.send(asked.from, "one");
    here.send(asked.from, "two");
    co_await hears(client, "one");
    co_await hears(client, "two");

    REQUIRE(io().single == 1);
    REQUIRE(io().several == 1);
  });
}

TEST_CASE_METHOD(staged_fixture, "what is not staged does not overtake what is",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const std::string long_text(5000, 'l');
    std::vector<std::string> sent;
    for (int i = 0; i < 8; ++i) {
      for (const std::string& text : {fmt::format("a{}", i), fmt::format("b{}", i), long_text}) {
        there.send(here.local(), text);
        sent.push_back(text);
      }
      if (i % 4 != 3) continue;
      const std::vector<std::string> heard = co_await receive_all(here, sent.size());
      REQUIRE(heard == sent);
      sent.clear();
    }
  });
}

TEST_CASE_METHOD(staged_fixture, "sockets that send in turn keep each its order",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket also_here = any_socket();
    udp_socket one = any_socket();
    udp_socket other = any_socket();
    for (int i = 0; i < 30; ++i) {
      one.send(here.local(), std::to_string(i));
      other.send(also_here.local(), std::to_string(i));
      if (i % 3 == 0) one.send(also_here.local());
    }

    const std::vector<std::string> heard = co_await receive_all(here, 30);
    std::vector<std::string> also_heard = co_await receive_all(also_here, 40);
    REQUIRE(heard == numbers(0, 30));
    std::erase(also_heard, "");
    REQUIRE(also_heard == numbers(0, 30));
  });
}

TEST_CASE_METHOD(staged_fixture, "each datagram comes as it was sent, whatever leaves with it",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    std::vector<std::string> sent;
    for (const std::size_t size :
         {100, 1000, 1000, 1000, 1000, 1000, 400, 0,    1000, 1001, 1001, 5,    5,
          5,   0,    0,    1,    1,    2,    2,   4095, 4096, 4096, 4097, 4096, 17})
      sent.push_back(pattern(size));
    for (std::string& text : sent) {
      if (!text.empty()) text.front() = static_cast<char>('A' + sent.size() % 26);
      there.send(here.local(), text);
    }

    const std::vector<std::string> heard = co_await receive_all(here, sent.size());
    REQUIRE(heard == sent);
  });
}

TEST_CASE_METHOD(staged_fixture, "of those that come together each is cut by itself",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    udp_limits small;
    small.datagram_bytes = 4;
    here.limits(small);
    for (const char* text : {"0", "12345", "23456", "34567", "4567", "", "56789", "6"})
      there.send(here.local(), text);

    const std::vector<std::string> wanted{"0", "1234", "2345", "3456", "4567", "", "5678", "6"};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const datagram one = co_await here.receive();
      REQUIRE(one.view() == wanted[i]);
      REQUIRE(one.truncated == (i == 1 || i == 2 || i == 3 || i == 6));
    }
  });
}

TEST_CASE_METHOD(staged_fixture, "a client receives many that have come together, one by one",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_peer client = co_await connect_udp(here.local());
    co_await client.send("more, please");
    const datagram asked = co_await here.receive();
    for (int i = 0; i < 130; ++i) here.send(asked.from, fmt::format("number {:03}", i));
    for (int i = 0; i < 130; ++i) co_await hears(client, fmt::format("number {:03}", i));
    REQUIRE(client.dropped() == 0);
  });
}

TEST_CASE_METHOD(staged_fixture, "more than leaves with one call leaves with several",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    send_numbers(there, here, 150);
    REQUIRE(io().several == 2);  // it was full twice

    co_await hears_numbers(here, 150);
    REQUIRE(io().several == 3);
    REQUIRE(stats().datagrams_sent == 150);
  });
}

TEST_CASE_METHOD(staged_fixture, "what is staged when its socket is closed leaves before",
                 "[net][udp][staged]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    std::optional<udp_socket> there = any_socket();
    send_numbers(*there, here, 3);
    there->close();
    co_await hears_numbers(here, 3);

    std::optional<udp_socket> another = any_socket();
    send_numbers(*another, here, 3);
    another.reset();
    co_await hears_numbers(here, 3);
  });
}

TEST_CASE_METHOD(staged_fixture, "what a posted function sends leaves in the same pass",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    loop.loop().post([&] { send_numbers(there, here, 3); });
    co_await hears_numbers(here, 3);
  });
}

TEST_CASE_METHOD(staged_fixture, "when fewer leave than were to the others follow",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    io().script = {3, 1, 2};
    send_numbers(there, here, 20);

    co_await hears_numbers(here, 20);
    REQUIRE(io().several == 4);
  });
}

TEST_CASE_METHOD(staged_fixture, "what the system has no memory for waits, and leaves in its order",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    udp_limits narrow;
    narrow.output_high_bytes = 4000;
    narrow.output_low_bytes = 2000;
    there.limits(narrow);
    io().script = {3, -ENOBUFS};
    send_numbers(there, here, 20);
    const std::string long_text(5000, 'l');
    there.send(here.local(), long_text);  // those before it leave first
    REQUIRE(there.queued_bytes() > 9000);

    co_await there.send(here.local(), "20");  // waits for the others
    REQUIRE(there.queued_bytes() <= 2000);
    std::vector<std::string> heard = co_await receive_all(here, 22);
    REQUIRE(heard[20] == long_text);
    std::erase(heard, long_text);
    REQUIRE(heard == numbers(0, 21));
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(staged_fixture, "a socket that is closed asks for no more memory",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const std::uint64_t before = loop.loop().stats().timers_live;
    io().script = {-ENOBUFS};
    send_numbers(there, here, 3);
    there.send(here.local(), std::string(5000, 'l'));  // those before it leave first
    REQUIRE(there.queued_bytes() > 5000);
    REQUIRE(loop.loop().stats().timers_live == before + 1);

    there.close();
    REQUIRE(loop.loop().stats().timers_live == before);
    co_return;
  });
}

TEST_CASE_METHOD(staged_fixture, "what is sent behind a full stage that found no room stays behind",
                 "[net][udp][staged]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    there.send(here.local(), "0");
    io().script = {3, -ENOBUFS};
    const std::string filling(3900, '.');  // of which the stage holds sixteen
    for (int i = 1; i < 20; ++i) there.send(here.local(), std::to_string(i) + filling);

    std::vector<std::string> heard = co_await receive_all(here, 20);
    for (std::string& each : heard) each.erase(std::min(each.find('.'), each.size()));
    REQUIRE(heard == numbers(0, 20));
    REQUIRE(there.dropped() == 0);
  });
}

TEST_CASE_METHOD(staged_fixture, "what is refused at the close is told behind what was told before",
                 "[net][udp][staged][undelivered]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    udp_socket elsewhere = any_socket();
    there.send(here.local(), "0");
    there.send(elsewhere.local(), "first");
    io().script = {-EHOSTUNREACH, -EHOSTUNREACH};
    there.send(here.local(), "lost");
    co_await yield();
    co_await hears(here, "0");
    there.send(elsewhere.local(), "lost, too");
    there.close();

    const std::optional<undelivered> one = co_await there.next_undelivered();
    const std::optional<undelivered> two = co_await there.next_undelivered();
    REQUIRE(one);
    REQUIRE(one->to == here.local());
    REQUIRE(two);
    REQUIRE(two->to == elsewhere.local());
    REQUIRE_FALSE(co_await there.next_undelivered());
  });
}

TEST_CASE_METHOD(staged_fixture, "one that is refused later is told of with its address, and alone",
                 "[net][udp][staged][undelivered]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    udp_socket elsewhere = any_socket();
    there.send(here.local(), "0");
    there.send(elsewhere.local(), "first");
    io().script = {1, -EHOSTUNREACH};
    there.send(here.local(), "1");
    there.send(elsewhere.local(), "lost");
    there.send(here.local(), "2");

    const std::optional<undelivered> note = co_await there.next_undelivered();
    REQUIRE(note);
    REQUIRE(note->to == elsewhere.local());
    REQUIRE(note->why == std::errc::host_unreachable);
    co_await hears_numbers(here, 3);
    co_await hears(elsewhere, "first");

    const int before = io().single;
    there.send(elsewhere.local(), "second");  // the call itself would tell now
    REQUIRE(io().single == before + 1);
    co_await hears(elsewhere, "second");
  });
}

TEST_CASE_METHOD(staged_fixture, "a client hears of it when it receives",
                 "[net][udp][staged][undelivered]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_peer client = co_await connect_udp(here.local());
    client.send("first");
    io().script = {-EPERM};
    client.send("second");

    const std::string why = co_await thrown_by(client.receive());
    REQUIRE_THAT(why, ContainsSubstring("receive from " + here.local().to_string()));
    REQUIRE_THAT(why, ContainsSubstring("not permitted"));
    client.send("third");
    co_await hears(here, "first");
    co_await hears(here, "third");
  });
}

TEST_CASE_METHOD(staged_fixture, "a socket that is refused everything while it is closed ends well",
                 "[net][udp][staged][undelivered]") {
  run([this]() -> task<> {
    udp_socket here = any_socket();
    udp_peer client = co_await connect_udp(here.local());
    udp_socket there = any_socket();
    client.send("first");
    there.send(here.local(), "first");
    io().script = {-EPERM, -EPERM, -ENOBUFS};

    client.send("lost");
    client.close();
    there.send(here.local(), "lost");
    there.send(here.local(), "lost, too");
    there.close();

    const std::string why = co_await thrown_by(client.receive());
    REQUIRE_THAT(why, ContainsSubstring("closed on this side"));
    REQUIRE(there.dropped() == 1);
    co_await hears(here, "first");
    co_await hears(here, "first");
  });
}

TEST_CASE_METHOD(staged_fixture, "small ones over UDP wait for the network, in their order",
                 "[net][udp][staged][not-epoll]") {
  udp_fixture slow(make_sim_backend(sim_options(test_seed()).set_latency(10ms, 10ms)));
  slow.run([&]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    std::vector<std::string> heard;
    const auto listen = [&]() -> task<> {
      while (auto one = co_await move_on_after(1s, here.receive()))
        heard.push_back(std::string(one->view().substr(0, 3)));
    };
    auto listener = slow.loop.spawn(listen);
    for (int i = 0; i < 200; ++i)
      co_await there.send(here.local(), fmt::format("{:03}", i), std::string(2000, 'x'));
    co_await listener;
    REQUIRE(there.dropped() == 0);
    REQUIRE(slow.stats().datagrams_sent == 200);
    REQUIRE(heard.size() + here.dropped() == 200);
    REQUIRE(heard.size() > 100);
    REQUIRE(std::is_sorted(heard.begin(), heard.end()));
  });
}

}  // namespace udp_staged_test
