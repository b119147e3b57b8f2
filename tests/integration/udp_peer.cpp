// The side that speaks first, for foreign programs on the other end: see udp_peers.py.
//
//   udp_peer lines HOST PORT          sends each line of the input as a datagram; prints what comes
//                                     back, one datagram for each line
//   udp_peer ask HOST PORT NAME...    asks a name server for the IPv4 and IPv6 addresses of all
//                                     names at once, and prints what it says of each
#include <cetane/cetane.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

cetane::task<> say_lines(std::string host, std::uint16_t port) {
  cetane::udp_peer there = co_await cetane::connect_udp(host, port);
  cetane::line_reader lines(STDIN_FILENO);
  while (auto line = co_await lines.next_line()) {
    co_await there.send(*line);
    if (line->empty()) continue;
    const cetane::datagram answer = co_await cetane::with_timeout(patience, there.receive());
    fmt::print("{}\n", answer);
    std::fflush(stdout);
  }
}

// RFC 1035, 4: as much of a message as a question and its answer need.

enum record_type : std::uint16_t { type_a = 1, type_cname = 5, type_aaaa = 28 };

struct question {
  std::string name;
  record_type type;
};

std::string number16(std::size_t number) {
  return {static_cast<char>(number >> 8 & 255), static_cast<char>(number & 255)};
}

std::string encode(std::uint16_t id, const question& what) {
  std::string text = number16(id) + number16(0x0100) + number16(1);  // recursion desired
  text.append(6, '\0');
  for (std::size_t at = 0; at < what.name.size();) {
    const std::size_t dot = std::min(what.name.find('.', at), what.name.size());
    text += static_cast<char>(dot - at);
    text += what.name.substr(at, dot - at);
    at = dot + 1;
  }
  return text + '\0' + number16(what.type) + number16(1);
}

class reader {
 public:
  explicit reader(std::string_view all) : rest_(all) {}

  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) throw std::runtime_error("an answer is cut off");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    for (const char each : take(bytes)) value = value << 8 | static_cast<unsigned char>(each);
    return value;
  }
  void skip_name() {
    for (;;) {
      const std::size_t length = number(1);
      if (length == 0) return;
      if (length >= 0xC0) return static_cast<void>(take(1));  // the rest stands elsewhere
      take(length);
    }
  }

 private:
  std::string_view rest_;
};

std::string printed(int family, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes.data(), text.data(), text.size());
}

// What an answer says, in the words of the test.
std::string decode(reader answer, std::size_t flags) {
  if (const std::size_t code = flags & 15; code != 0) return fmt::format("error {}", code);
  answer.take(2);  // one question
  const std::size_t count = answer.number(2);
  answer.take(4);
  answer.skip_name();
  answer.take(4);
  std::string found;
  for (std::size_t i = 0; i < count; ++i) {
    answer.skip_name();
    const std::size_t type = answer.number(2);
    answer.take(6);
    const std::string_view data = answer.take(answer.number(2));
    if (type == type_a) found += " " + printed(AF_INET, data);
    if (type == type_aaaa) found += " " + printed(AF_INET6, data);
    if (type == type_cname) found += " alias";
  }
  return found.empty() ? "nothing" : found.substr(1);
}

cetane::task<> ask(std::string host, std::uint16_t port, std::vector<question> questions) {
  cetane::udp_client server = co_await cetane::connect_udp(host, port);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    co_await server.send(encode(static_cast<std::uint16_t>(i), questions[i]));
  }
  std::map<std::size_t, std::string> answers;
  while (answers.size() < questions.size()) {
    const cetane::datagram one = co_await server.receive();
    reader answer(one);
    const std::size_t id = answer.number(2);
    const std::size_t flags = answer.number(2);
    answers[id] = decode(answer, flags);
  }
  for (const auto& [id, text] : answers) {
    const question& asked = questions.at(id);
    fmt::print("{} {} {}\n", asked.name, asked.type == type_a ? "A" : "AAAA", text);
  }
}

cetane::task<> ask_in_time(std::string host, std::uint16_t port, std::vector<question> questions) {
  co_await cetane::with_timeout(patience, ask(host, port, std::move(questions)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 3 ? argv[1] : "";
  if (what == "lines") {
    return cetane::run(say_lines, std::string(argv[2]),
                       static_cast<std::uint16_t>(std::stoi(argv[3])));
  }
  if (what != "ask") return 2;
  std::vector<question> questions;
  for (int i = 4; i < argc; ++i) {
    questions.push_back({argv[i], type_a});
    questions.push_back({argv[i], type_aaaa});
  }
  return cetane::run(ask_in_time, std::string(argv[2]),
                     static_cast<std::uint16_t>(std::stoi(argv[3])), questions);
}
