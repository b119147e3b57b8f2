#pragma once

#include <cstdint>
#include <string>

#include "link.hpp"

namespace load {

struct options {
  workload work;
  std::string host = "127.0.0.1";
  int port = 0;
  std::uint64_t connections = 1;
  std::uint64_t messages = 0;  // 0: for `duration`
  double duration = 1.0;
  double rate = 0;  // messages a second, all connections together; 0: the closed loop
  double warm_up = 0.0;
  int cpu = -1;
  std::string trusted;      // a certificate: TLS is spoken, with a server that has it
  bool handshakes = false;  // it is them that count, not messages
  bool resume = false;      // and they are short ones
  int server = 0;           // process id: what it spends while we measure is reported, too
};

/// Reads the command line.
///
/// @throws std::invalid_argument  A word is unknown or its value is no number.
options parse_options(int argc, char** argv);

}  // namespace load
