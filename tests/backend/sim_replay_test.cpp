// The same seed gives the same run, to the last byte of the log.

#include "fake_io.hpp"

#include <cetane/backend/sim.hpp>
#include <cetane/base/random.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sim_replay_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

struct outcome {
  std::uint64_t hash;
  std::string log;
  time_point end;

  bool operator==(const outcome&) const = default;
};

// Sends back what comes, and lets go of a client that does.
class echoing {
 public:
  echoing(event_loop& loop, int descriptor) : stream_(loop) {
    stream_.hook = [this] { step(); };
    stream_.open(descriptor);
  }

 private:
  void step() {
    if (stream_.descriptor < 0) return;
    while (!stream_.data.empty()) {
      const ssize_t taken = stream_.write(stream_.data);
      if (taken == -EAGAIN) break;
      stream_.data.erase(0, taken < 0 ? stream_.data.size() : static_cast<std::size_t>(taken));
    }
    if (!stream_.ends.empty() && stream_.data.empty()) stream_.close();
  }

  noting_stream stream_;
};

// Clients that write at odd times, some of which reset.
class talking final : detail::timer {
 public:
  talking(event_loop& loop, int descriptor, random_stream dice)
      : loop_(loop), stream_(loop), dice_(std::move(dice)) {
    stream_.open(descriptor);
    loop_.arm(*this, loop_.now());
  }

  bool gone() const { return stream_.descriptor < 0; }

 private:
  void on_timer() noexcept override {
    if (dice_.chance(0.05)) return stream_.close(dice_.chance(0.5));
    (void)stream_.write(std::string(dice_.uniform(1, 3000), 'm'));
    loop_.arm(*this, loop_.now() + dice_.uniform(0ns, 2ms));
  }

  event_loop& loop_;
  noting_stream stream_;
  random_stream dice_;
};

outcome run_echo(std::uint64_t seed, std::size_t log_limit = 1'000'000) {
  event_loop loop(make_sim_backend(
      sim_options(seed).set_latency(0ns, 2ms).set_capacity(2000).set_segment(1, 700).set_log_limit(
          log_limit)));
  listening server(loop);
  std::vector<std::unique_ptr<echoing>> served;
  server.io.hook = [&] {
    int descriptor = -1;
    address peer;
    while (server.accept(descriptor, peer) == 0) {
      served.push_back(std::make_unique<echoing>(loop, descriptor));
    }
  };
  std::vector<std::unique_ptr<talking>> clients;
  for (int i = 0; i < 5; ++i) {
    int descriptor = -1;
    REQUIRE(connect_to(loop, server.where, descriptor) == 0);
    clients.push_back(std::make_unique<talking>(
        loop, descriptor, random_stream(seed).fork("client " + std::to_string(i))));
  }
  for (const auto& client : clients) run_until(loop, [&] { return client->gone(); });
  settle(loop);
  const simulation& sim = simulation::of(loop);
  REQUIRE(sim.seed() == seed);
  REQUIRE(sim.open_descriptors() == 1);  // the listener: every connection has ended at both ends
  return {sim.trace_hash(), sim.log_tail(log_limit), loop.now()};
}

}  // namespace

TEST_CASE("the same seed gives the same log, byte for byte, and the same hash",
          "[backend][sim][not-epoll]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    const outcome first = run_echo(seed);
    const std::unique_ptr<char[]> other_addresses(new char[seed * 1000]);
    const outcome second = run_echo(seed);

    REQUIRE(first.log.size() > 1000);
    REQUIRE(first == second);
  }
}

TEST_CASE("another seed gives another run", "[backend][sim][not-epoll]") {
  const outcome one = run_echo(1), other = run_echo(2);

  REQUIRE(one.hash != other.hash);
  REQUIRE(one.log != other.log);
}

TEST_CASE("the hash stands for all of the run, also for what has left the log",
          "[backend][sim][not-epoll]") {
  const outcome all = run_echo(7), last = run_echo(7, 10);

  REQUIRE(all.hash == last.hash);
  REQUIRE(std::count(last.log.begin(), last.log.end(), '\n') == 10);
  REQUIRE(all.log.ends_with(last.log));
}

TEST_CASE("the hash shows a single byte that differs", "[backend][sim][not-epoll]") {
  const auto hash_after = [](std::string_view text) {
    event_loop loop(make_sim_backend());
    connected_pair pair(loop);
    REQUIRE(pair.client.write(text) == static_cast<ssize_t>(text.size()));
    run_until(loop, [&] { return pair.server.data == text; });
    return simulation::of(loop).trace_hash();
  };

  REQUIRE(hash_after("the same bytes") == hash_after("the same bytes"));
  REQUIRE(hash_after("the same bytes") != hash_after("the same bytez"));
}

TEST_CASE("the log tells what happened, with its time", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(1ms, 1ms)));
  connected_pair pair(loop);
  REQUIRE(pair.client.write("hello") == 5);
  settle(loop);
  pair.client.close(true);
  settle(loop);

  REQUIRE(simulation::of(loop).log_tail() ==
          "1000.000000000 listen on 127.0.0.1:40000\n"
          "1000.000000000 #1 client connects from 127.0.0.1:40001 to 127.0.0.1:40000\n"
          "1000.002000000 #1 client is connected\n"
          "1000.003000000 #1 server waits to be accepted\n"
          "1000.003000000 #1 server is accepted\n"
          "1000.004000000 #1 server receives 5 bytes\n"
          "1010.003000000 #1 client closes, 0 unread\n"
          "1010.003000000 #1 client resets\n"
          "1010.004000000 #1 server receives a reset\n");
  REQUIRE(simulation::of(loop).log_tail(1) == "1010.004000000 #1 server receives a reset\n");
}

}  // namespace sim_replay_test
