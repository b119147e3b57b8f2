// What the loop counts of its connections adds up, whatever happens to them.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/random.hpp>
#include <cetane/conc/timeout.hpp>

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

namespace stats_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// A conversation of random sends, reads and pauses, which ends in a random way. No wait is long, so
// that two who both send, or both read, come to an end.
task<> wander(connection& peer, std::uint64_t seed) {
  random_stream random(seed);
  try {
    for (int step = 0; step < 60; ++step) {
      switch (random.uniform(0, 9)) {
        case 0:
          co_await move_on_after(1ms, peer.send(std::string(random.uniform(0, 100'000), 'x')));
          break;
        case 1:
        case 2:
          co_await move_on_after(
              1ms, peer.send(priority(static_cast<int>(random.uniform(0, 9))), "two ", "parts\n"));
          break;
        case 3:
          std::ignore = peer.try_send(std::string(random.uniform(0, 5000), 'y'));
          break;
        case 4:
          co_await sleep(random.uniform(0us, 200us));
          break;
        case 5:
          if (random.chance(0.05)) co_await move_on_after(1ms, peer.send_eof());
          break;
        case 6:
          if (random.chance(0.03)) peer.abort();
          break;
        case 7:
          if (random.chance(0.03)) peer.close();
          break;
        default:
          std::ignore = co_await move_on_after(1ms, peer.receive_some());
      }
    }
  } catch (const connection_closed&) {
  }
  if (random.chance(0.5)) peer.close();
}

}  // namespace

TEST_CASE("bytes and connections add up after any conversation", "[net][stats]") {
  test_loop loop;
  constexpr std::uint64_t conversations = 60;
  {
    std::vector<std::unique_ptr<connected_pair>> pairs;
    std::vector<join_handle<>> tasks;
    for (std::uint64_t i = 0; i < conversations; ++i) {
      pairs.push_back(std::make_unique<connected_pair>(loop, socket_buffers::small));
      connected_pair& pair = *pairs.back();
      tasks.push_back(loop.spawn(wander, std::ref(pair.here), test_seed() * 1000 + 2 * i));
      tasks.push_back(loop.spawn(wander, std::ref(pair.there), test_seed() * 1000 + 2 * i + 1));
    }
    run_until(loop, [&] {
      return std::all_of(tasks.begin(), tasks.end(), [](auto& task) { return task.done(); });
    });
  }
  run_until(loop, [&] {
    return loop.loop().stats().connections_closed == loop.loop().stats().connections_opened;
  });

  const loop_stats stats = loop.loop().stats();
  REQUIRE(stats.connections_opened == 2 * conversations);
  REQUIRE(stats.bytes_queued == stats.bytes_sent + stats.bytes_dropped);
  REQUIRE(stats.bytes_received <= stats.bytes_sent);
  REQUIRE(stats.bytes_received > 0);
  REQUIRE(stats.tasks_alive == 0);
}

TEST_CASE_METHOD(net_fixture, "what waits is neither sent nor dropped", "[net][stats]") {
  std::ignore = here.send(std::string(1'000'000, 'x'));
  settle();
  REQUIRE(here.queued_bytes() > 0);
  REQUIRE(stats().bytes_queued == 1'000'000);
  REQUIRE(stats().bytes_queued == stats().bytes_sent + here.queued_bytes());

  here.abort();
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(net_fixture, "what was refused does not count", "[net][stats]") {
  here.close();
  std::ignore = here.send("refused");
  std::ignore = here.try_send("refused");
  settle();
  REQUIRE(stats().bytes_queued == 0);
  REQUIRE(stats().bytes_dropped == 0);
}

}  // namespace stats_test
