// Datagrams on a bad network: what each kind of fault does to them, that it does nothing else, and
// what becomes of it when the network heals.
#include "only_fault.hpp"

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_adapters.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace datagram_faults_test {

using namespace cetane;
using namespace cetane::test;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t sent = 60;

std::string text_of(std::size_t number) {
  return fmt::format("{} {}", number, std::string(20 + number, 'x'));
}
std::size_t number_of(const std::string& text) { return std::stoul(text); }

struct arrival {
  std::string text;
  bool cut;
};

// What became of datagrams that were sent one after the other.
struct mail {
  std::vector<arrival> heard;
  std::vector<undelivered> returned;

  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const arrival& one : heard) all.push_back(one.text);
    return all;
  }
  bool in_order() const {
    return std::is_sorted(heard.begin(), heard.end(), [](const arrival& a, const arrival& b) {
      return number_of(a.text) < number_of(b.text);
    });
  }
  bool uncut() const {
    return std::none_of(heard.begin(), heard.end(), [](const arrival& one) { return one.cut; });
  }
};

std::vector<std::string> all_texts() {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < sent; ++i) all.push_back(text_of(i));
  return all;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

task<> listen(udp_socket& at, mail& into) {
  while (auto one = co_await at.next())
    into.heard.push_back({std::string(one->view()), one->truncated});
}

task<> hear_back(udp_socket& at, mail& into) {
  while (auto note = co_await at.next_undelivered()) into.returned.push_back(*note);
}

task<> send_all(udp_socket& from, const address& to) {
  for (std::size_t i = 0; i < sent; ++i) {
    co_await from.send(to, text_of(i));
    co_await sleep(1ms);
  }
}

// Sends while somebody listens, and waits until nothing is on its way.
task<> exchange(world& w, mail& into, std::string there, std::string here) {
  const auto place = [](const std::string& text) {
    return text.starts_with('@') ? address::unix_path(text) : *address::parse_ip(text, 0);
  };
  udp_socket receiver = udp_socket::bind(place(there));
  udp_socket sender = udp_socket::bind(place(here));
  auto listening = spawn(listen, std::ref(receiver), std::ref(into));
  auto noting = spawn(hear_back, std::ref(sender), std::ref(into));
  co_await send_all(sender, receiver.local());
  do co_await sleep(10s);
  while (sender.queued_bytes() > 0 || !w.quiet());
  receiver.close();
  sender.close();
  co_await listening;
  co_await noting;
}

struct run {
  explicit run(const faults& wanted, std::uint64_t seed = 1, const std::string& there = "127.0.0.1",
               const std::string& here = "127.0.0.1") {
    world w(seed);
    w.run([&](world& in) -> task<> {
      in.faults_are(wanted);
      co_await exchange(in, result, there, here);
    });
    for (const fault_kind kind : every_fault_kind) met.push_back(w.faults_met(kind));
    total = w.faults_met();
    log = w.log_tail(1'000'000);
    hash = w.trace_hash();
    operations = w.io_operations();
  }

  std::uint64_t of(fault_kind kind) const { return met[static_cast<std::size_t>(kind)]; }

  mail result;
  std::vector<std::uint64_t> met;
  std::uint64_t total = 0;
  std::string log;
  std::uint64_t hash = 0;
  std::uint64_t operations = 0;
};

fault_kind any_of_datagrams() {
  return GENERATE(filter([](fault_kind kind) { return strikes_datagrams(kind); },
                         from_range(every_fault_kind)));
}

faults all_of_datagrams(double share) {
  return faults()
      .lost_datagrams(share)
      .doubled_datagrams(share)
      .reordered_datagrams(share)
      .truncated_datagrams(share);
}

}  // namespace

TEST_CASE("every kind of fault for datagrams strikes by itself, and stands in the log",
          "[testing][faults][udp]") {
  const fault_kind kind = any_of_datagrams();
  CAPTURE(name_of(kind));

  const run result(only(kind));

  CHECK(result.of(kind) == sent);
  CHECK(result.total == sent);
  CHECK_THAT(result.log, ContainsSubstring(fmt::format(" {}: ", name_of(kind))));
  CHECK(result.result.returned.empty());
}

TEST_CASE("a kind for datagrams that is left out, or whose time is not, changes nothing",
          "[testing][faults][udp]") {
  const fault_kind kind = any_of_datagrams();
  CAPTURE(name_of(kind));
  const run good(faults::none());
  REQUIRE(good.result.texts() == all_texts());
  REQUIRE(good.result.uncut());
  REQUIRE(good.total == 0);
  REQUIRE(good.operations == 2 * sent);

  const run without(only(kind).without(kind));
  const run later(only(kind).from(1h));
  const run before(only(kind).until(0s));

  for (const run* one : {&without, &later, &before}) {
    CHECK(one->total == 0);
    CHECK(one->log == good.log);
    CHECK(one->result.texts() == all_texts());
  }
}

TEST_CASE("with a share of 0 no datagram is lost, doubled, late or cut", "[testing][faults][udp]") {
  const run good(faults::none());

  const run never(all_of_datagrams(0));

  CHECK(never.hash == good.hash);
  CHECK(never.total == 0);
}

TEST_CASE("faults of datagrams are the same again from their seed, and others from another",
          "[testing][faults][udp]") {
  for (const fault_kind kind : every_fault_kind) {
    CAPTURE(name_of(kind));
    const run once(only(kind), 7), again(only(kind), 7), other(only(kind), 8);
    CHECK(once.log == again.log);
    CHECK(once.hash == again.hash);
    if (kind != fault_kind::lost_datagrams) CHECK(once.hash != other.hash);  // else nothing drawn
  }
  const run once(all_of_datagrams(0.3), 7), again(all_of_datagrams(0.3), 7);
  CHECK(once.hash == again.hash);
  CHECK(once.result.texts() == again.result.texts());
}

TEST_CASE("a datagram that is lost is lost without a word", "[testing][faults][udp]") {
  const run all(faults().lost_datagrams(1));
  CHECK(all.result.heard.empty());
  CHECK(all.result.returned.empty());

  const run some(faults().lost_datagrams(0.3));
  CHECK(some.of(fault_kind::lost_datagrams) > sent / 6);
  CHECK(some.result.heard.size() + some.of(fault_kind::lost_datagrams) == sent);
  CHECK(some.result.in_order());
  CHECK(some.result.uncut());
  const std::vector<std::string> texts = some.result.texts();
  CHECK(std::set(texts.begin(), texts.end()).size() == texts.size());
}

TEST_CASE("a datagram that is doubled comes twice, whole and in its turn",
          "[testing][faults][udp]") {
  const run result(faults().doubled_datagrams(1));
  CHECK(result.result.in_order());
  CHECK(result.result.uncut());
  std::vector<std::string> twice = all_texts();
  const std::vector<std::string> once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  CHECK(sorted(result.result.texts()) == sorted(twice));
}

TEST_CASE("datagrams that are reordered all come, once and whole", "[testing][faults][udp]") {
  for (const double share : {0.3, 1.0}) {
    CAPTURE(share);
    const run result(faults().reordered_datagrams(share));
    CHECK(sorted(result.result.texts()) == sorted(all_texts()));
    CHECK_FALSE(result.result.in_order());
    CHECK(result.result.uncut());
  }
}

TEST_CASE("a datagram that is truncated comes in its turn, and says that its end is missing",
          "[testing][faults][udp]") {
  const run result(faults().truncated_datagrams(0.5));
  REQUIRE(result.result.heard.size() == sent);
  std::uint64_t cut = 0;
  for (std::size_t i = 0; i < sent; ++i) {
    const arrival& one = result.result.heard[i];
    if (one.cut) {
      ++cut;
      CHECK(one.text.size() < text_of(i).size());
      CHECK(text_of(i).starts_with(one.text));
    } else {
      CHECK(one.text == text_of(i));
    }
  }
  CHECK(cut == result.of(fault_kind::truncated_datagrams));
  CHECK(cut > sent / 4);
}

TEST_CASE("what is done to connections, or holds things up, takes no datagram away",
          "[testing][faults][udp]") {
  const fault_kind kind = GENERATE(
      filter([](fault_kind one) { return !strikes_datagrams(one); }, from_range(every_fault_kind)));
  CAPTURE(name_of(kind));
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const run result(only(kind), seed);
    CHECK(result.result.texts() == all_texts());
    CHECK(result.result.uncut());
    CHECK(result.result.returned.empty());
  }
}

TEST_CASE("datagrams wait on a narrow way, and in a storm, which counts",
          "[testing][faults][udp]") {
  CHECK(run(only(fault_kind::bandwidth)).of(fault_kind::bandwidth) > 0);
  CHECK(run(only(fault_kind::storms)).of(fault_kind::storms) > sent / 4);
}

TEST_CASE("what nobody receives is lost when a small buffer is full", "[testing][faults][udp]") {
  world w(1);
  std::size_t heard = 0;
  w.run([&](world& in) -> task<> {
    in.faults_are(faults().buffers(1000));
    udp_socket receiver = udp_socket::bind("127.0.0.1", 0);
    udp_socket sender = udp_socket::bind("127.0.0.1", 0);
    co_await send_all(sender, receiver.local());
    co_await sleep(1s);
    while (co_await move_on_after(1s, receiver.receive())) ++heard;
  });
  CHECK(heard > 1);
  CHECK(heard < sent / 4);
  CHECK(w.faults_met(fault_kind::buffers) == sent - heard);
}

TEST_CASE("datagrams on Unix sockets all come, once, whole and in their order",
          "[testing][faults][udp]") {
  const run result(all_of_datagrams(1), 1, "@there", "@here");
  CHECK(result.result.texts() == all_texts());
  CHECK(result.result.uncut());
  CHECK(result.total == 0);

  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const run hostile(faults::hostile(), seed, "@there", "@here");
    CHECK(hostile.result.texts() == all_texts());
  }
}

TEST_CASE("faults of datagrams leave connections alone", "[testing][faults][udp]") {
  world(1).run([](world& w) -> task<> {
    w.faults_are(all_of_datagrams(1));
    const auto echo = [](connection& peer) -> task<> {
      while (auto piece = co_await peer.next_chunk()) co_await peer.send(*piece);
    };
    const auto& server = w.serve(service(echo, 0));
    connection c = co_await connect("echo", server.port());
    co_await c.send(std::string(30'000, 'x'));
    co_await c.send_eof();
    const std::string heard = co_await c.until_eof();
    CHECK(heard == std::string(30'000, 'x'));
    CHECK(w.faults_met() == 0);
  });
}

TEST_CASE("datagrams that a fault has held up come when the network heals, and then all do",
          "[testing][faults][udp]") {
  const faults wanted = GENERATE(faults().latency(1h, 2h), faults().bandwidth(1),
                                 faults().reordered_datagrams(1).latency(1h, 1h));
  world(1).run([&](world& w) -> task<> {
    mail result;
    udp_socket receiver = udp_socket::bind("127.0.0.1", 0);
    udp_socket sender = udp_socket::bind("127.0.0.1", 0);
    auto listening = spawn(listen, std::ref(receiver), std::ref(result));
    w.faults_are(wanted);
    co_await send_all(sender, receiver.local());
    REQUIRE(result.heard.size() < 2);

    w.heal();
    co_await sleep(100ms);
    CHECK(sorted(result.texts()) == sorted(all_texts()));

    result.heard.clear();
    co_await send_all(sender, receiver.local());
    co_await sleep(1s);
    CHECK(result.texts() == all_texts());

    receiver.close();
    co_await listening;
  });
}

TEST_CASE("after heal, and at the end of the window, no datagram is lost, doubled, late or cut",
          "[testing][faults][udp]") {
  const bool heals = GENERATE(true, false);
  CAPTURE(heals);
  world(1).run([&](world& w) -> task<> {
    mail result;
    w.faults_are(heals ? all_of_datagrams(0.9) : all_of_datagrams(0.9).until(5s));
    co_await exchange(w, result, "127.0.0.1", "127.0.0.1");
    const std::uint64_t met = w.faults_met();
    REQUIRE(met > 0);
    REQUIRE(result.texts() != all_texts());

    if (heals) w.heal();
    result = {};
    const auto send_again = [&]() -> task<> {
      udp_socket receiver = udp_socket::bind("127.0.0.1", 0);
      udp_socket sender = udp_socket::bind("127.0.0.1", 0);
      auto listening = spawn(listen, std::ref(receiver), std::ref(result));
      co_await send_all(sender, receiver.local());
      co_await sleep(1s);
      receiver.close();
      co_await listening;
    };
    co_await send_again();

    CHECK(result.texts() == all_texts());
    CHECK(result.uncut());
    CHECK(w.faults_met() == met);
  });
}

TEST_CASE("profiles meet what they promise for datagrams", "[testing][faults][udp]") {
  const auto met = [](const char* profile) {
    std::set<fault_kind> kinds;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const run one(faults::named(profile), seed);
      for (const fault_kind kind : every_fault_kind) {
        if (strikes_datagrams(kind) && one.of(kind) > 0) kinds.insert(kind);
      }
    }
    return kinds;
  };
  CHECK(met("none").empty());
  CHECK(met("slow_link").empty());
  CHECK(met("flaky") == std::set{fault_kind::lost_datagrams, fault_kind::doubled_datagrams,
                                 fault_kind::reordered_datagrams});
  CHECK(met("hostile").size() == 4);
}

TEST_CASE("faults drawn for a seed do to datagrams what they say", "[testing][faults][udp]") {
  std::uint64_t struck = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    random_stream numbers(seed);
    const run one(faults::drawn(numbers), seed);
    const std::uint64_t lost = one.of(fault_kind::lost_datagrams);
    const std::uint64_t doubled = one.of(fault_kind::doubled_datagrams);
    const std::uint64_t buffers = one.of(fault_kind::buffers);
    struck += lost + doubled + one.of(fault_kind::reordered_datagrams);
    CHECK(one.result.heard.size() <= sent + doubled - lost);
    if (buffers == 0) CHECK(one.result.heard.size() == sent + doubled - lost);
    const std::vector<std::string> all = all_texts();
    for (const arrival& each : one.result.heard) {
      if (each.cut) continue;
      CHECK(std::find(all.begin(), all.end(), each.text) != all.end());
    }
  }
  CHECK(struck > 1000);
}

}  // namespace datagram_faults_test
