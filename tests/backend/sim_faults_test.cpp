// What the core sees of the faults of a simulated network, at the very interface of the backend.

#include "fake_io.hpp"

#include <cetane/backend/sim.hpp>

#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sim_faults_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

sim_options always(fault_kind kind) { return sim_options(test_seed()).set_share(kind, 1); }

// A pair that is connected while nothing goes wrong.
struct pair_before_faults {
  explicit pair_before_faults(const sim_options& later) { simulation::of(loop).behave_as(later); }

  std::uint64_t met(fault_kind kind) { return simulation::of(loop).faults_met(kind); }

  event_loop loop{make_sim_backend(sim_options(test_seed()))};
  connected_pair pair{loop};
};

// A stream that writes as the core does, and takes back what is not sent.
class letter_stream final : public detail::stream_io {
 public:
  letter_stream(event_loop& loop, int number) : loop_(loop) {
    descriptor = number;
    REQUIRE(loop.io().watch(*this, true) == 0);
    loop.io().set_reading(*this, true);
  }
  ~letter_stream() {
    loop_.io().unwatch(*this);
    loop_.io().close(descriptor, false);
  }

  ssize_t write_soon(std::string_view text) { return loop_.io().write_soon(*this, text); }

  void on_data(char*, std::size_t) noexcept override {}
  void on_end(int) noexcept override {}
  void on_hang_up(int) noexcept override {}
  void on_writable() noexcept override { ++writables; }
  void on_unsent(std::string_view bytes, int error) noexcept override {
    unsent.emplace_back(bytes);
    errors.push_back(error);
  }
  void on_staged(std::size_t, ssize_t) noexcept override {}

  int writables = 0;
  std::vector<std::string> unsent;
  std::vector<int> errors;

 private:
  event_loop& loop_;
};

struct letter_pair : pair_before_faults {
  explicit letter_pair(const sim_options& later = always(fault_kind::late_writes))
      : pair_before_faults(later) {}

  letter_stream sender{loop, pair.client.release()};
};

}  // namespace

TEST_CASE("a write that finds no room, though there is, is called when there is",
          "[backend][sim][faults][not-epoll]") {
  pair_before_faults one(always(fault_kind::storms));
  noting_stream& client = one.pair.client;
  const time_point begin = one.loop.now();

  REQUIRE(client.write("text") == -EAGAIN);
  REQUIRE(client.unsent() == 0);
  run_until(one.loop, [&] { return client.writables == 1; });
  REQUIRE(one.loop.now() - begin <= 1ms);
  REQUIRE(client.write("text") == 4);
  run_until(one.loop, [&] { return one.pair.server.data == "text"; });
}

TEST_CASE("a reset ends a stall: the writer is called at once and told",
          "[backend][sim][faults][not-epoll]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    event_loop loop(make_sim_backend(sim_options(seed).set_latency(0ns, 1us)));
    connected_pair pair(loop);
    simulation::of(loop).behave_as(
        sim_options().set_latency(0ns, 1us).set_share(fault_kind::storms, 1));
    REQUIRE(pair.client.write("text") == -EAGAIN);
    pair.server.close(true);

    run_until(loop, [&] { return !pair.client.ends.empty() && pair.client.writables > 0; });

    REQUIRE(pair.client.write("text") < 0);
    settle(loop, 10ms);  // a storm each microsecond
    REQUIRE(pair.client.ends == std::vector{ECONNRESET});
  }
}

TEST_CASE("a small write that is interrupted has written nothing",
          "[backend][sim][faults][not-epoll]") {
  letter_pair one(always(fault_kind::storms));

  REQUIRE(one.sender.write_soon("text") == 0);
  ssize_t sent = one.sender.write_soon("text");  // a storm of another kind may meet this one
  if (sent == -EAGAIN) {
    run_until(one.loop, [&] { return one.sender.writables == 1; });
    sent = one.sender.write_soon("text");
    if (sent == 0) sent = one.sender.write_soon("text");
  }
  REQUIRE(sent == 4);
}

TEST_CASE("an accept finds nobody, or is interrupted, and then finds who waits",
          "[backend][sim][faults][not-epoll]") {
  std::set<int> results;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    event_loop loop(make_sim_backend(sim_options(seed)));
    listening server(loop);
    int client = -1, accepted = -1;
    address peer;
    REQUIRE(connect_to(loop, server.where, client) == 0);
    settle(loop);
    simulation::of(loop).behave_as(always(fault_kind::storms));
    const int calls = server.io.calls;

    const int result = server.accept(accepted, peer);

    results.insert(result);
    if (result == -EAGAIN) run_until(loop, [&] { return server.io.calls > calls; });
    REQUIRE(server.accept(accepted, peer) == 0);
    loop.io().close(client, false);
    loop.io().close(accepted, false);
  }
  REQUIRE(results == std::set{-EAGAIN, -EINTR});
}

TEST_CASE("a listener without descriptors says so until it has some, and loses nobody",
          "[backend][sim][faults][not-epoll]") {
  std::set<int> errors;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    event_loop loop(make_sim_backend(sim_options(seed)));
    listening server(loop);
    noting_stream client(loop);
    int descriptor = -1, accepted = -1;
    address peer;
    REQUIRE(connect_to(loop, server.where, descriptor) == 0);
    client.open(descriptor);
    settle(loop);
    simulation::of(loop).behave_as(always(fault_kind::failing_accepts));
    const time_point begin = loop.now();

    const int error = -server.accept(accepted, peer);
    errors.insert(error);
    if (error == ECONNABORTED) {  // this client has gone
      REQUIRE(server.accept(accepted, peer) == -EAGAIN);
      run_until(loop, [&] { return client.ends == std::vector{ECONNRESET}; });
      continue;
    }
    REQUIRE(server.accept(accepted, peer) == -error);
    int result = -error;
    while (result == -error) {
      loop.run_once(loop.now() + 1ms);
      result = server.accept(accepted, peer);
    }
    REQUIRE(result == 0);
    REQUIRE(loop.now() - begin <= 1s + 1ms);
    loop.io().close(accepted, false);
  }
  REQUIRE(errors == std::set{EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED});
}

TEST_CASE("who connects may be called before that has come to an end",
          "[backend][sim][faults][not-epoll]") {
  int early = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    event_loop loop(
        make_sim_backend(sim_options(seed).set_latency(5ms, 5ms).set_share(fault_kind::storms, 1)));
    listening server(loop);
    int descriptor = -1;
    REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
    noting_poll client(loop);
    client.open(descriptor);
    run_until(loop, [&] { return client.calls > 0; });
    address peer;
    if (loop.io().peer_address(descriptor, peer) == -ENOTCONN) {
      REQUIRE(loop.io().connect_result(descriptor) == 0);
      ++early;
      run_until(loop, [&] { return loop.io().peer_address(descriptor, peer) == 0; });
    }
  }
  REQUIRE(early > 10);
}

TEST_CASE("a wait ends for no reason, but time never passes what is due",
          "[backend][sim][faults][not-epoll]") {
  event_loop loop(make_sim_backend(always(fault_kind::storms)));
  const time_point end = loop.now() + 1s;
  int passes = 0;

  while (loop.now() < end) {
    loop.run_once(end);
    REQUIRE(loop.now() <= end);
    ++passes;
  }

  REQUIRE(passes == 2);
}

TEST_CASE("a late write takes all at once, and sends it in the next poll",
          "[backend][sim][faults][late][not-epoll]") {
  letter_pair one;

  REQUIRE(one.sender.write_soon("text") == 4);
  REQUIRE(one.sender.output_taken);
  REQUIRE(one.sender.write_soon("more") == -EAGAIN);
  REQUIRE(one.loop.io().unsent_bytes(one.sender) == 0);
  one.loop.run_once(time_point::min());
  REQUIRE_FALSE(one.sender.output_taken);
  run_until(one.loop, [&] { return one.pair.server.data == "text"; });
  REQUIRE(one.sender.unsent.empty());
}

TEST_CASE("what a late write holds can be had back, or sent without a poll",
          "[backend][sim][faults][late][not-epoll]") {
  letter_pair one;
  REQUIRE(one.sender.write_soon("text") == 4);

  SECTION("sent at once") {
    REQUIRE(one.loop.io().send_taken(one.sender).bytes.empty());
    REQUIRE_FALSE(one.sender.output_taken);
    REQUIRE(one.loop.io().unsent_bytes(one.sender) == 4);
  }
  SECTION("flushed") {
    one.loop.io().flush();
    REQUIRE_FALSE(one.sender.output_taken);
    REQUIRE(one.loop.io().unsent_bytes(one.sender) == 4);
  }
  REQUIRE(one.loop.io().send_taken(one.sender).bytes.empty());
  run_until(one.loop, [&] { return one.pair.server.data == "text"; });
  settle(one.loop);
  REQUIRE(one.pair.server.data == "text");
}

TEST_CASE("a late write that finds too little room gives back the rest, and calls when there is",
          "[backend][sim][faults][late][not-epoll]") {
  letter_pair one(always(fault_kind::late_writes).set_share(fault_kind::short_writes, 1));
  REQUIRE(one.sender.write_soon("some text") == 9);

  SECTION("in the poll") {
    one.loop.run_once(time_point::min());
    REQUIRE(one.sender.unsent.size() == 1);
    REQUIRE(one.sender.errors == std::vector{0});
    REQUIRE(std::string("some text").ends_with(one.sender.unsent.front()));
    const std::size_t sent = 9 - one.sender.unsent.front().size();
    REQUIRE(sent > 0);
    run_until(one.loop, [&] { return one.sender.writables == 1; });
    run_until(one.loop, [&] { return one.pair.server.data.size() == sent; });
  }
  SECTION("asked for") {
    const detail::backend::unsent left = one.loop.io().send_taken(one.sender);
    REQUIRE(left.error == 0);
    REQUIRE(!left.bytes.empty());
    REQUIRE(std::string("some text").ends_with(left.bytes));
    REQUIRE_FALSE(one.sender.output_taken);
    run_until(one.loop, [&] { return one.sender.writables == 1; });
  }
  SECTION("flushed: told in the next poll") {
    one.loop.io().flush();
    REQUIRE(one.sender.output_taken);
    REQUIRE(one.sender.unsent.empty());
    one.loop.run_once(time_point::min());
    REQUIRE_FALSE(one.sender.output_taken);
  }
}

TEST_CASE("a late write to a connection that is gone is told why",
          "[backend][sim][faults][late][not-epoll]") {
  letter_pair one;
  one.pair.server.close(true);

  SECTION("in the poll, before anything else of the connection") {
    one.loop.io().set_reading(one.sender, false);
    one.sender.writable = true;
    settle(one.loop);
    REQUIRE(one.sender.write_soon("text") == 4);
    one.loop.run_once(time_point::min());
    REQUIRE(one.sender.unsent == std::vector<std::string>{"text"});
    REQUIRE(one.sender.errors == std::vector{ECONNRESET});
  }
  SECTION("flushed: in the next poll") {
    one.loop.io().set_reading(one.sender, false);
    settle(one.loop);
    REQUIRE(one.sender.write_soon("text") == 4);
    one.loop.io().flush();
    REQUIRE(one.sender.unsent.empty());
    one.loop.run_once(time_point::min());
    REQUIRE(one.sender.errors == std::vector{ECONNRESET});
  }
}

TEST_CASE("a connection breaks at any byte, and what came before it is there",
          "[backend][sim][faults][not-epoll]") {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    event_loop loop(make_sim_backend(sim_options(seed)));
    connected_pair pair(loop);
    simulation::of(loop).behave_as(sim_options().set_share(fault_kind::resets, 1));
    const std::string text(100'000, 't');
    std::string_view left = text;
    ssize_t first_failure = 0;
    const auto send_more = [&] {
      ssize_t sent = 0;
      while (!left.empty() && (sent = pair.client.write(left)) > 0)
        left.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && sent != -EAGAIN && first_failure == 0) first_failure = sent;
    };
    pair.client.hook = send_more;
    send_more();

    run_until(loop, [&] { return !pair.client.ends.empty() && !pair.server.ends.empty(); });

    // The error is told once, to who asks first: the writer, or the reader.
    const bool writer_was_told = first_failure == -ECONNRESET;
    REQUIRE(pair.client.ends == std::vector{writer_was_told ? 0 : ECONNRESET});
    REQUIRE(pair.client.hang_ups == std::vector{ECONNRESET});
    REQUIRE(pair.server.ends == std::vector{ECONNRESET});
    REQUIRE(simulation::of(loop).faults_met(fault_kind::resets) == 1);
    lengths.insert(pair.server.data.size());
  }
  REQUIRE(lengths.size() > 40);
}

TEST_CASE("a connection that has ended cannot break any more",
          "[backend][sim][faults][not-epoll]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    event_loop loop(make_sim_backend(sim_options(seed)));
    connected_pair pair(loop);
    simulation::of(loop).behave_as(sim_options().set_share(fault_kind::resets, 1));
    const std::uint64_t met = simulation::of(loop).faults_met();
    pair.client.close();
    pair.server.close();
    settle(loop);
    loop.run_once(loop.now() + 20s);
    REQUIRE(simulation::of(loop).faults_met() <= met + 1);
  }
}

TEST_CASE("leaving out one kind of fault changes nothing that is drawn for another",
          "[backend][sim][faults][not-epoll]") {
  const auto refused = [](bool with_others) {
    sim_options ways = sim_options(test_seed()).set_share(fault_kind::refused_connects, 0.5);
    ways.set_share(fault_kind::full_backlogs, 0.3).set_share(fault_kind::storms, 0.3);
    if (!with_others) ways.leave_out(fault_kind::storms).leave_out(fault_kind::full_backlogs);
    event_loop loop(make_sim_backend(ways));
    const listening server(loop);
    std::vector<bool> story;
    for (int i = 0; i < 40; ++i) {
      int descriptor = -1;
      REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
      address peer;
      run_until(loop, [&] {
        const int result = loop.io().connect_result(descriptor);
        if (result != 0) story.push_back(true);
        if (result == 0 && loop.io().peer_address(descriptor, peer) != 0) return false;
        if (result == 0) story.push_back(false);
        return true;
      });
      loop.io().close(descriptor, false);
    }
    return story;
  };

  REQUIRE(refused(true) == refused(false));
}

TEST_CASE("shares and windows that make no sense are refused", "[backend][sim][not-epoll]") {
  sim_options options;
  REQUIRE_THROWS_AS(options.set_share(fault_kind::storms, 1.01), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_share(fault_kind::storms, -0.01), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_bandwidth(0), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_window(-1s, 1s), std::invalid_argument);
  REQUIRE_THROWS_AS(options.set_window(2s, 1s), std::invalid_argument);
  std::set<std::string_view> names;
  for (const fault_kind kind : every_fault_kind) names.insert(name_of(kind));
  REQUIRE(names.size() == every_fault_kind.size());
  REQUIRE(names.count("") == 0);
}

}  // namespace sim_faults_test
