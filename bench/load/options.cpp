#include "options.hpp"

#include <charconv>
#include <cstring>
#include <stdexcept>

namespace load {
namespace {

template <class Number>
Number number(const char* word, const char* value) {
  Number found{};
  const char* end = value == nullptr ? nullptr : value + std::strlen(value);
  if (end == nullptr || std::from_chars(value, end, found).ptr != end) {
    throw std::invalid_argument(std::string(word) + " wants a number");
  }
  return found;
}

bool* flag_of(const std::string& word, options& chosen) {
  if (word == "--verify") return &chosen.work.verify;
  if (word == "--udp") return &chosen.work.datagrams;
  if (word == "--handshakes") return &chosen.handshakes;
  if (word == "--resume") return &chosen.resume;
  return nullptr;
}

void check(const options& chosen) {
  const workload& work = chosen.work;
  if (chosen.port == 0 || chosen.connections == 0 || work.message_bytes == 0 || work.in_flight == 0)
    throw std::invalid_argument("--port, -c, -m and -P must be above 0");
  if (chosen.rate < 0 || (chosen.rate > 0 && chosen.messages > 0))
    throw std::invalid_argument("--rate is above 0, and goes with -d");
  if (work.datagrams && work.message_bytes > 1400)
    throw std::invalid_argument("with --udp a message is one datagram of at most 1,400 bytes");
  if (work.datagrams && !chosen.trusted.empty())
    throw std::invalid_argument("--tls is for connections");
  if (chosen.handshakes && (chosen.trusted.empty() || chosen.rate > 0))
    throw std::invalid_argument("--handshakes goes with --tls, and with -d or -n");
  if (chosen.resume && !chosen.handshakes)
    throw std::invalid_argument("--resume goes with --handshakes");
}

}  // namespace

options parse_options(int argc, char** argv) {
  options chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (bool* const flag = flag_of(word, chosen)) {
      *flag = true;
      continue;
    }
    const char* value = argv[++i];  // the null after the last word is refused by number()
    if (word == "--host" && value != nullptr)
      chosen.host = value;
    else if (word == "--tls" && value != nullptr)
      chosen.trusted = value;
    else if (word == "--port")
      chosen.port = number<int>(argv[i - 1], value);
    else if (word == "-c")
      chosen.connections = number<std::uint64_t>(argv[i - 1], value);
    else if (word == "-m")
      chosen.work.message_bytes = number<std::uint64_t>(argv[i - 1], value);
    else if (word == "-P")
      chosen.work.in_flight = number<std::uint64_t>(argv[i - 1], value);
    else if (word == "-n")
      chosen.messages = number<std::uint64_t>(argv[i - 1], value);
    else if (word == "-d")
      chosen.duration = number<double>(argv[i - 1], value);
    else if (word == "--rate")
      chosen.rate = number<double>(argv[i - 1], value);
    else if (word == "--warm-up")
      chosen.warm_up = number<double>(argv[i - 1], value);
    else if (word == "--server")
      chosen.server = number<int>(argv[i - 1], value);
    else if (word == "--cpu")
      chosen.cpu = number<int>(argv[i - 1], value);
    else
      throw std::invalid_argument("unknown option " + word);
  }
  check(chosen);
  // What is late must not hold up what is due: the limit is there for a server that stands still.
  if (chosen.rate > 0) chosen.work.in_flight = 4096;
  return chosen;
}

}  // namespace load
