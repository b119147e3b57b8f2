#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "latency.hpp"
#include "options.hpp"

namespace load {

/// What a run has found.
struct outcome {
  latency_histogram times;
  std::uint64_t messages = 0;
  std::uint64_t server_ns = 0;
  std::uint64_t wrong_bytes = 0;
  std::chrono::duration<double> elapsed{};
};

/// Prints it as one line of JSON; gives the exit status.
inline int report(const options& chosen, const outcome& found) {
  const auto as_long = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  const auto quantile_us = [&](double share) {
    return static_cast<double>(found.times.quantile(share)) / 1000;
  };
  std::printf(
      "{\"connections\": %llu, \"message_bytes\": %llu, \"in_flight\": %llu, \"messages\": %llu, "
      "\"seconds\": %.6f, "
      "\"rate\": %.1f, \"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f, "
      "\"server_ns\": %llu, \"verified\": %s, \"wrong_bytes\": %llu}\n",
      as_long(chosen.connections), as_long(chosen.work.message_bytes),
      as_long(chosen.work.in_flight), as_long(found.messages), found.elapsed.count(),
      static_cast<double>(found.messages) / found.elapsed.count(), quantile_us(0.5),
      quantile_us(0.9), quantile_us(0.99), quantile_us(0.999), as_long(found.server_ns),
      chosen.work.verify ? "true" : "false", as_long(found.wrong_bytes));
  return found.wrong_bytes == 0 ? 0 : 1;
}

}  // namespace load
