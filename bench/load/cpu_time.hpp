#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace load {

/// Nanoseconds that all threads of a process have been on a processor, see proc(5), schedstat.
inline std::uint64_t cpu_time_ns(int process) {
  std::uint64_t sum = 0;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    std::ifstream file(thread.path() / "schedstat");
    std::uint64_t spent = 0;
    if (file >> spent) sum += spent;
  }
  return sum;
}

}  // namespace load
