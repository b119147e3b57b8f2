#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

/// The one option of the book's servers, --port PORT; without it the program says so and ends with
/// status 2.
inline std::uint16_t read_port(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  const bool joined = word.starts_with("--port=");
  const bool apart = word == "--port" && argc == 3;
  if ((joined && argc == 2) || apart) {
    const std::string value = apart ? argv[2] : word.substr(7);
    char* end = nullptr;
    const long number = std::strtol(value.c_str(), &end, 10);
    if (!value.empty() && *end == '\0' && number >= 0 && number <= 65535) {
      return static_cast<std::uint16_t>(number);
    }
  }
  fmt::print(stderr, "usage: {0} [-h] --port PORT\n{0}: error: --port is required, a number\n",
             argv[0]);
  std::exit(2);
}
