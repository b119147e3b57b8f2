// The smallest operations with asio's coroutines, as bench/micro has them: prints one line of JSON,
// nanoseconds each, the median of some rounds.
#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

constexpr std::size_t times = 20'000;

asio::awaitable<void> yield_often(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) co_await asio::post(asio::use_awaitable);
}

asio::awaitable<void> nothing() { co_return; }

asio::awaitable<void> spawn_often(asio::io_context& context, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    co_await asio::co_spawn(context, nothing(), asio::use_awaitable);
  }
}

template <class Work>
double median_ns(Work work) {
  std::vector<double> rounds;
  for (int i = 0; i < 51; ++i) {
    asio::io_context context(1);
    const auto begin = std::chrono::steady_clock::now();
    work(context);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    rounds.push_back(spent.count() / times);
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[rounds.size() / 2];
}

}  // namespace

int main() {
  const double yield = median_ns([](asio::io_context& context) {
    for (int i = 0; i < 2; ++i) asio::co_spawn(context, yield_often(times / 2), asio::detached);
    context.run();
  });
  const double spawn = median_ns([](asio::io_context& context) {
    asio::co_spawn(context, spawn_often(context, times), asio::detached);
    context.run();
  });
  const double timer = median_ns([](asio::io_context& context) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<asio::steady_timer> live;
    for (int i = 0; i < 1000; ++i) live.emplace_back(context, now + std::chrono::minutes(10));
    for (asio::steady_timer& each : live) each.async_wait([](const asio::error_code&) {});
    asio::steady_timer timeout(context);
    for (std::size_t i = 0; i < times; ++i) {
      timeout.expires_at(now + std::chrono::seconds(5));
      timeout.async_wait([](const asio::error_code&) {});
      timeout.cancel();
    }
    for (asio::steady_timer& each : live) each.cancel();
    context.run();
  });
  std::printf("{\"C1\": %.2f, \"C2\": %.2f, \"C4\": %.2f}\n", yield, spawn, timer);
}
