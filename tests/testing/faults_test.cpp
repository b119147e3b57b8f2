// Every kind of fault: that it strikes, what handlers and clients see of it, and that it leaves
// alone what it should.
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
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace faults_test {

using namespace cetane;
using namespace cetane::test;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  while (auto piece = co_await peer.next_chunk()) co_await peer.send(*piece);
}

// What became of a client.
struct talk {
  std::string sent;
  std::string heard;
  bool whole = false;       // it came to the orderly end
  std::error_code failure;  // or was told this
};

std::string some_text(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += fmt::format("{} and ", text.size());
  text.resize(bytes);
  return text;
}

task<> hear(connection& c, std::string& heard) {
  while (auto piece = co_await c.next_chunk()) heard += piece->view();
}

// In ten goes. Who listens is told why it fails.
task<> say(connection& c, const std::string& text) {
  const std::size_t size = text.size() / 10 + 1;
  try {
    for (std::size_t i = 0; i < text.size(); i += size) {
      co_await c.send(text.substr(i, size));
      co_await sleep(100us);
    }
    co_await c.send_eof();
  } catch (const connection_closed&) {
  }
}

// Sends all while it listens, ends its output and hears the rest.
task<> converse(std::uint16_t port, talk& result) {
  try {
    connection c = co_await connect("echo", port).timeout(1h);
    co_await all(hear(c, result.heard), say(c, result.sent));
    result.whole = true;
  } catch (const error& e) {
    result.failure = e.code();
  }
}

// Some clients, one a little after the other.
task<> talk_all(world& w, std::vector<talk>& talks) {
  const auto& server = w.serve(service(echo, 0));
  std::vector<join_handle<>> running;
  for (talk& one : talks) {
    running.push_back(spawn(converse, server.port(), std::ref(one)));
    co_await sleep(200us);
  }
  for (auto& one : running) co_await one;
}

std::vector<talk> some_talks(std::size_t bytes) {
  std::vector<talk> talks(4);
  for (talk& one : talks) one.sent = some_text(bytes++);
  return talks;
}

// A run of the same clients on a network of this kind, and what it met.
struct run {
  explicit run(const faults& wanted, std::uint64_t seed = 1, std::size_t bytes = 1000)
      : talks(some_talks(bytes)) {
    world w(seed);
    w.run([&](world& in) -> task<> {
      in.faults_are(wanted);
      co_await talk_all(in, talks);
    });
    for (const fault_kind kind : every_fault_kind) met.push_back(w.faults_met(kind));
    total = w.faults_met();
    log = w.log_tail(1'000'000);
    hash = w.trace_hash();
    operations = w.io_operations();
  }

  std::uint64_t of(fault_kind kind) const { return met[static_cast<std::size_t>(kind)]; }
  bool all_whole() const {
    for (const talk& one : talks) {
      if (!one.whole || one.heard != one.sent) return false;
    }
    return true;
  }

  std::vector<talk> talks;
  std::vector<std::uint64_t> met;
  std::uint64_t total = 0;
  std::string log;
  std::uint64_t hash = 0;
  std::uint64_t operations = 0;
};

// Of those that strike connections; those of datagrams have tests of their own.
fault_kind any_kind() {
  return GENERATE(filter([](fault_kind kind) { return !strikes_datagrams(kind); },
                         from_range(every_fault_kind)));
}

}  // namespace

TEST_CASE("every kind of fault strikes when it always strikes, by itself, and stands in the log",
          "[testing][faults]") {
  const fault_kind kind = any_kind();
  CAPTURE(name_of(kind));

  const run result(only(kind), 1, 150);  // little, as the log has its limit

  if (kind == fault_kind::latency) {  // the way things are
    CHECK(result.total == 0);
    return;
  }
  CHECK(result.of(kind) > 0);
  CHECK(result.total == result.of(kind));
  CHECK_THAT(result.log, ContainsSubstring(fmt::format(" {}: ", name_of(kind))));
}

TEST_CASE("a kind that is left out, or whose time is not, changes nothing", "[testing][faults]") {
  const fault_kind kind = any_kind();
  CAPTURE(name_of(kind));
  const run good(faults::none());

  const run without(only(kind).without(kind));
  const run later(only(kind).from(1h));
  const run before(only(kind).until(0s));

  CHECK(good.all_whole());
  CHECK(good.total == 0);
  for (const run* one : {&without, &later, &before}) {
    CHECK(one->total == 0);
    CHECK(one->log == good.log);
    CHECK(one->all_whole());
  }
}

TEST_CASE("with a share of 0 a fault never strikes", "[testing][faults]") {
  const run good(faults::none());

  const run never(faults()
                      .short_writes(0)
                      .late_writes(0)
                      .storms(0)
                      .resets(0)
                      .refused_connects(0)
                      .timed_out_connects(0)
                      .lost_connects(0)
                      .unreachable_connects(0)
                      .full_backlogs(0)
                      .failing_accepts(0));

  CHECK(never.hash == good.hash);
  CHECK(never.total == 0);
}

TEST_CASE("every kind of fault is the same again from its seed, and another from another",
          "[testing][faults]") {
  const fault_kind kind = any_kind();
  CAPTURE(name_of(kind));

  const run once(only(kind), 7), again(only(kind), 7), other(only(kind), 8);

  CHECK(once.log == again.log);
  CHECK(once.hash == again.hash);
  if (once.operations > 0) CHECK(once.hash != other.hash);  // else nothing else was drawn
}

TEST_CASE("what does not take a connection away leaves every byte in its place",
          "[testing][faults]") {
  const fault_kind kind = any_kind();
  CAPTURE(name_of(kind));
  switch (kind) {
    case fault_kind::resets:
    case fault_kind::refused_connects:
    case fault_kind::timed_out_connects:
    case fault_kind::lost_connects:
    case fault_kind::unreachable_connects:
    case fault_kind::full_backlogs:
    case fault_kind::failing_accepts:
      return;
    default:
      break;
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const run result(only(kind), seed);
    CHECK(result.all_whole());
    CHECK(result.operations > 20);
  }
}

TEST_CASE("faults drawn for a seed lose nothing without saying so", "[testing][faults]") {
  std::uint64_t met = 0, whole = 0, failed = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    random_stream numbers(seed);
    const run result(faults::drawn(numbers), seed);
    met += result.total;
    for (const talk& one : result.talks) {
      CHECK(one.sent.starts_with(one.heard));
      if (one.whole) CHECK(one.heard == one.sent);
      CHECK(one.whole != static_cast<bool>(one.failure));
      ++(one.whole ? whole : failed);
    }
  }
  CHECK(met > 10'000);
  CHECK(whole > 600);
  CHECK(failed > 50);
}

namespace {

// Who ends his output when: a conversation of both ends has four halves.
enum class order { client_first, server_first, both_at_once };

struct end_of_talk {
  std::string sent;
  std::string heard;
  bool whole = false;  // the other end ended its output
};

task<> speak(connection& c, const end_of_talk& self) {
  for (std::size_t i = 0; i < self.sent.size(); i += 100) co_await c.send(self.sent.substr(i, 100));
  co_await c.send_eof();
}

task<> listen_to(connection& c, end_of_talk& self) {
  co_await hear(c, self.heard);
  self.whole = true;
}

task<> take_part(connection& c, end_of_talk& self, bool speaks_first) {
  if (speaks_first) co_await speak(c, self);
  co_await listen_to(c, self);
  if (!speaks_first) co_await speak(c, self);
}

}  // namespace

TEST_CASE("each end hears all that the other has said, in whatever order they end their output",
          "[testing][faults]") {
  const order who = GENERATE(order::client_first, order::server_first, order::both_at_once);
  CAPTURE(who);
  std::size_t whole = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    end_of_talk client, server_side;
    client.sent = some_text(700);
    server_side.sent = some_text(900);
    const auto serve_one = [&](connection& peer) -> task<> {
      co_await take_part(peer, server_side, who != order::client_first);
    };
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults::drawn(w.random()));
      const auto& server = w.serve(service(serve_one, 0));
      try {
        connection c = co_await connect("talk", server.port());
        co_await take_part(c, client, who != order::server_first);
      } catch (const connection_error&) {
      }
      co_await sleep(1min);  // the other end may need a while
    });
    for (const auto& [self, other] :
         {std::pair(&client, &server_side), std::pair(&server_side, &client)}) {
      CHECK(other->sent.starts_with(self->heard));
      if (!self->whole) continue;
      CHECK(self->heard == other->sent);
      ++whole;
    }
  }
  CHECK(whole > 120);
}

TEST_CASE("a narrow way takes its time in each direction, for each connection by itself",
          "[testing][faults]") {
  static constexpr auto answer = [](connection& peer) -> task<> {
    co_await peer.receive(10'000);
    co_await peer.send("thanks\n");
  };
  static constexpr auto deliver = [](std::uint16_t port) -> task<duration> {
    connection c = co_await connect("far", port);
    const time_point begin = event_loop::current()->now();
    co_await c.send(some_text(10'000));
    co_await c.until_eol();
    co_return event_loop::current()->now() - begin;
  };
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().bandwidth(1000).latency(0s, 0s));
    const auto& server = w.serve(service(answer, 0));
    auto one = spawn(deliver, server.port());
    auto other = spawn(deliver, server.port());

    const duration first = co_await one;
    const duration second = co_await other;

    CHECK(first / 1ms == 10'007);
    CHECK(second / 1ms == 10'007);
  });
}

TEST_CASE("a connection that breaks is told to both ends as a reset", "[testing][faults]") {
  std::size_t read_resets = 0, write_failures = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::optional<std::error_code> client, server_side;
    const auto serve_one = [&](connection& peer) -> task<> {
      try {
        for (;;) co_await peer.send(co_await peer.until_eol());
      } catch (const connection_closed& e) {
        server_side = e.code();
      }
    };
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults().resets(1));
      const auto& server = w.serve(service(serve_one, 0));
      try {
        connection c = co_await connect("flaky", server.port());
        for (;;) {
          co_await c.send(some_text(50), "\n");
          co_await c.until_eol();
          co_await sleep(20ms);
        }
      } catch (const connection_closed& e) {
        client = e.code();
      }
      co_await sleep(1s);
      CHECK(w.faults_met(fault_kind::resets) == 1);
      CHECK(w.open_connections() == 0);
      CHECK(w.elapsed() < 15s);
    });
    REQUIRE(client);
    for (const auto& told : {client, server_side}) {
      if (!told) continue;
      CHECK((told == system_code(ECONNRESET) || told == system_code(EPIPE)));
      ++(told == system_code(ECONNRESET) ? read_resets : write_failures);
    }
  }
  CHECK(read_resets > 150);
}

TEST_CASE("a reset takes one connection and leaves the others alone", "[testing][faults]") {
  std::size_t hurt = 0, well = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const run result(faults().resets(0.5), seed);
    std::size_t failed = 0;
    for (const talk& one : result.talks) {
      CHECK(one.sent.starts_with(one.heard));
      if (one.whole) CHECK(one.heard == one.sent);
      ++(one.whole ? well : failed);
    }
    CHECK(failed <= result.of(fault_kind::resets));
    hurt += failed;
  }
  CHECK(hurt > 20);
  CHECK(well > 100);
}

TEST_CASE("connections that are there break too, when resets begin", "[testing][faults]") {
  world(1).run([](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    connection c = co_await connect("echo", server.port());
    co_await sleep(1min);
    REQUIRE(w.faults_met() == 0);

    w.faults_are(faults().resets(1));
    const auto how = co_await with_timeout(20s, [](connection& c) -> task<closed_by_peer> {
      for (;;) {
        const auto end = co_await move_on_after(10ms, c.closed());
        if (end) co_return *end;
        c.try_send("something to break");
      }
    }(c));

    CHECK(how == closed_by_peer::reset);
  });
}

namespace {

// How long a connect took, and how it failed.
struct attempt {
  std::error_code failure;
  bool own_limit = false;
  duration took{};
};

attempt try_to_connect(const faults& wanted, duration limit = default_connect_timeout) {
  attempt result;
  world(1).run([&](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(wanted);
    const duration begin = w.elapsed();
    try {
      connection c = co_await connect("there", server.port()).timeout(limit);
      co_await c.send("line");
      co_await c.send_eof();
      const std::string heard = co_await c.until_eof();
      CHECK(heard == "line");
    } catch (const connect_timeout&) {
      result.own_limit = true;
    } catch (const connect_error& e) {
      result.failure = e.code();
    }
    result.took = w.elapsed() - begin;
  });
  return result;
}

const faults prompt = faults().latency(0s, 0s);

}  // namespace

TEST_CASE("a connect fails as the fault says, and when it says", "[testing][faults]") {
  const attempt good = try_to_connect(prompt);
  CHECK(!good.failure);
  CHECK(!good.own_limit);

  const attempt refused = try_to_connect(faults(prompt).refused_connects(1));
  CHECK(refused.failure == system_code(ECONNREFUSED));
  CHECK(refused.took < 1ms);

  const attempt unreachable = try_to_connect(faults(prompt).unreachable_connects(1));
  CHECK(unreachable.failure == system_code(EHOSTUNREACH));
  CHECK(unreachable.took == 3s);

  const attempt timed_out = try_to_connect(faults(prompt).timed_out_connects(1), 1h);
  CHECK(timed_out.failure == system_code(ETIMEDOUT));
  CHECK(timed_out.took == 127s);

  const attempt full = try_to_connect(faults(prompt).full_backlogs(1), 1h);
  CHECK(full.failure == system_code(ETIMEDOUT));
  CHECK(full.took == 127s);

  const attempt lost = try_to_connect(faults(prompt).lost_connects(1), 1h);
  CHECK(lost.own_limit);
  CHECK(lost.took == 1h);
}

TEST_CASE("a client that finds no place asks again after 1, 3, 7 and more seconds",
          "[testing][faults]") {
  const attempt first = try_to_connect(faults(prompt).full_backlogs(1).until(500ms));
  CHECK(first.took / 1s == 0);  // as soon as the network has become a good one

  std::vector<int> seconds;
  world(1).run([&](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(faults(prompt).full_backlogs(0.5));
    for (int i = 0; i < 60; ++i) {
      const duration begin = w.elapsed();
      connection c = co_await connect("there", server.port()).timeout(1h);
      seconds.push_back(static_cast<int>((w.elapsed() - begin) / 1s));
    }
  });
  for (const int one : {0, 1, 3, 7}) CHECK(std::count(seconds.begin(), seconds.end(), one) > 0);
  for (const int one : seconds) CHECK(((one + 1) & one) == 0);
}

TEST_CASE("a listener that cannot accept rests, comes back and serves all who wait",
          "[testing][faults]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::size_t aborted = 0;
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults().failing_accepts(1));
      const auto& server = w.serve(service(echo, 0));
      for (int i = 0; i < 5; ++i) {
        connection c = co_await connect("busy", server.port());
        const duration begin = w.elapsed();
        try {
          co_await c.send("line\n");
          const std::string answer = co_await c.until_eol();
          CHECK(answer == "line\n");
        } catch (const connection_closed& e) {
          CHECK(e.code() == system_code(ECONNRESET));
          ++aborted;
        }
        CHECK(w.elapsed() - begin < 1200ms);  // a shortage of one second, and the listener's rest
      }
      CHECK(w.faults_met(fault_kind::failing_accepts) >= 3);
      CHECK(w.io_operations() < 100);
    });
    CHECK(aborted < 5);
  }
}

TEST_CASE("in a storm the loop does not spin", "[testing][faults]") {
  world w(1);
  std::vector<talk> talks = some_talks(100'000);
  w.run([&](world& in) -> task<> {
    in.faults_are(faults().storms(1));
    in.pass_limit(5000);
    co_await talk_all(in, talks);
    CHECK(in.elapsed() < 10s);
  });
  for (const talk& one : talks) CHECK(one.heard == one.sent);
}

TEST_CASE("a late write that meets a reset is told so, and its bytes are counted as lost",
          "[testing][faults]") {
  std::size_t told = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    static constexpr auto hang_up = [](connection& peer) -> task<> {
      co_await peer.until_eol();
      peer.abort();
    };
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults().late_writes(1));
      const auto& server = w.serve(service(hang_up, 0));
      connection c = co_await connect("gone", server.port());
      co_await c.send("line\n");
      try {
        for (;;) {
          co_await c.send("more of it");
          co_await sleep(100us);
        }
      } catch (const connection_closed& e) {
        CHECK(e.code() == system_code(ECONNRESET));
        ++told;
      }
      c.abort();
      const loop_stats stats = event_loop::current()->stats();
      CHECK(stats.bytes_queued == stats.bytes_sent + stats.bytes_dropped);
    });
  }
  CHECK(told == 50);
}

TEST_CASE("tasks have their turns in any order, but each yield lets all go first who are ready",
          "[testing][faults]") {
  static constexpr auto note = [](std::vector<int>& order, int me) -> task<> {
    order.push_back(me);
    co_return;
  };
  std::vector<std::vector<int>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults().shuffled_turns());
      co_await sleep(1ms);
      for (int round = 0; round < 5; ++round) {
        std::vector<int> order;
        std::vector<join_handle<>> running;
        for (int i = 0; i < 10; ++i) running.push_back(spawn(note, std::ref(order), i));
        co_await yield();
        REQUIRE(order.size() == 10);
        for (auto& one : running) co_await one;
        orders.push_back(order);
      }
    });
  }
  std::sort(orders.begin(), orders.end());
  orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
  CHECK(orders.size() > 30);
}

TEST_CASE("waiters of a queue are served in their order, whoever has his turn first",
          "[testing][faults]") {
  static constexpr auto take = [](queue<int>& from, std::vector<int>& got, int me) -> task<> {
    got[static_cast<std::size_t>(me)] = co_await from.get();
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world(seed).run([&](world& w) -> task<> {
      w.faults_are(faults().shuffled_turns());
      queue<int> items;
      std::vector<int> got(10, -1);
      std::vector<join_handle<>> waiting;
      for (int i = 0; i < 10; ++i) {
        waiting.push_back(spawn(take, std::ref(items), std::ref(got), i));
        co_await yield();
      }
      for (int i = 0; i < 10; ++i) co_await items.put(i);
      for (auto& one : waiting) co_await one;

      CHECK(got == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    });
  }
}

}  // namespace faults_test
