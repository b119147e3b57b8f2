// A load generator for echo servers: C connections in a closed loop, M-byte messages, P in flight
// on each, one thread. Prints one line of JSON: how many messages came back, at which rate, and how
// long they took. With --rate it is an open loop: messages are due at a constant rate, whatever the
// server does, and the time of each counts from when it was due, so that a server that stops for a
// while is charged for all who had to wait (no coordinated omission).
//
//     load --port 8013 -c 50 -m 64 -P 1 -d 1.0 --warm-up 0.1      for a time
//     load --port 8013 -c 50 -m 64 --rate 20000 -d 10             at a constant rate
//     load --port 8013 -c 50 -n 8000 --verify                     an exact number of messages,
//     every byte looked at
//     load --port 8013 -c 50 --tls certificate.pem                over TLS 1.3, with this server
//     load --port 8013 -c 8 --tls certificate.pem --handshakes    one message for each connection;
//     with --resume the handshakes are short ones
//     load --port 8013 -c 50 --udp                                datagrams; one that gets lost
//     ends it, since nobody sends it again
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpu_time.hpp"
#include "link.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "tls.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

std::unique_ptr<load::channel> open_channel(const load::options& chosen) {
  const int fd = load::connect_to(chosen.host, chosen.port, chosen.work.datagrams);
  if (!chosen.trusted.empty()) return load::open_secure(fd, chosen.trusted);
  return std::make_unique<load::channel>(fd);
}

constexpr double longest_silence = 20;  // seconds without any event: the server is stuck

/// All links and the one place where they wait.
class run {
 public:
  explicit run(const load::options& chosen)
      : chosen_(chosen), poller_(epoll_create1(EPOLL_CLOEXEC)), buffer_(256 * 1024) {
    links_.reserve(chosen.connections);
    for (std::uint64_t i = 0; i < chosen.connections; ++i) {
      links_.emplace_back(chosen_.work, open_channel(chosen), i * 7919);
      epoll_event wanted{};
      wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      wanted.data.u64 = i;
      epoll_ctl(poller_, EPOLL_CTL_ADD, links_.back().descriptor(), &wanted);
    }
  }
  run(const run&) = delete;
  run& operator=(const run&) = delete;
  ~run() { close(poller_); }

  void exactly(std::uint64_t messages) {
    const clock_type::time_point begin = clock_type::now();
    for (std::uint64_t i = 0; i < links_.size(); ++i) {
      links_[i].allow(messages / links_.size() + (i < messages % links_.size()), bytes_);
    }
    finish();
    found_.messages = answered();
    found_.elapsed = clock_type::now() - begin;
  }

  void for_some_time(double warm_up, double duration) {
    for (load::link& each : links_) each.allow(std::uint64_t{1} << 40, bytes_);
    turn_until(clock_type::now() +
               std::chrono::duration_cast<clock_type::duration>(seconds(warm_up)));
    found_.times.clear();
    const std::uint64_t before = answered();
    const std::uint64_t spent_before = server_time();
    const clock_type::time_point begin = clock_type::now();
    turn_until(begin + std::chrono::duration_cast<clock_type::duration>(seconds(duration)));
    found_.elapsed = clock_type::now() - begin;
    found_.messages = answered() - before;
    found_.server_ns = server_time() - spent_before;
    for (load::link& each : links_) each.stop();
    finish();
  }

  void at_rate(double rate, double warm_up, double duration) {
    const double interval = 1e9 / rate;
    const std::uint64_t begin = load::now();
    const auto number_at = [&](double when) { return static_cast<std::uint64_t>(when * rate); };
    const std::uint64_t first = number_at(warm_up), end = number_at(warm_up + duration);
    for (std::uint64_t number = 0; number < end;) {
      const std::uint64_t due =
          begin + static_cast<std::uint64_t>(static_cast<double>(number) * interval);
      if (load::now() < due) {
        take_events(0);
        continue;
      }
      if (number == first) {
        found_.times.clear();
        found_.server_ns = server_time();
      }
      if (!links_[number % links_.size()].depart(due, bytes_))
        throw std::runtime_error("the server does not keep up with this rate");
      ++number;
    }
    finish();
    found_.elapsed = std::chrono::nanoseconds(load::now() - begin) - seconds(warm_up);
    found_.messages = end - first;
    found_.server_ns = server_time() - found_.server_ns;
  }

  load::outcome result() {
    for (const load::link& each : links_) found_.wrong_bytes += each.wrong_bytes();
    return found_;
  }

 private:
  std::uint64_t server_time() const {
    return chosen_.server > 0 ? load::cpu_time_ns(chosen_.server) : 0;
  }

  std::uint64_t answered() const {
    std::uint64_t sum = 0;
    for (const load::link& each : links_) sum += each.answered();
    return sum;
  }

  int take_events(int longest_ms) {
    epoll_event events[256];
    const int count = epoll_wait(poller_, events, 256, longest_ms);
    for (int i = 0; i < count; ++i) links_[events[i].data.u64].turn(bytes_, buffer_, found_.times);
    return count;
  }

  void turn() {
    if (take_events(static_cast<int>(longest_silence * 1000)) == 0)
      throw std::runtime_error("the server has been silent for too long, or a datagram was lost");
  }

  void turn_until(clock_type::time_point end) {
    while (clock_type::now() < end) turn();
  }

  void finish() {
    for (const load::link& each : links_) {
      while (!each.idle()) turn();
    }
  }

  const load::options& chosen_;
  int poller_;
  load::pattern bytes_;
  std::vector<char> buffer_;
  std::vector<load::link> links_;
  load::outcome found_;
};

void stay_on(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  if (sched_setaffinity(0, sizeof only, &only) < 0)
    throw std::runtime_error("no such processor: " + std::to_string(cpu));
}

}  // namespace

int main(int argc, char** argv) try {
  const load::options chosen = load::parse_options(argc, argv);
  if (chosen.cpu >= 0) stay_on(chosen.cpu);
  if (chosen.handshakes) return load::report(chosen, load::visit(chosen));
  run load_run(chosen);
  if (chosen.messages > 0)
    load_run.exactly(chosen.messages);
  else if (chosen.rate > 0)
    load_run.at_rate(chosen.rate, chosen.warm_up, chosen.duration);
  else
    load_run.for_some_time(chosen.warm_up, chosen.duration);
  return load::report(chosen, load_run.result());
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "load: %s\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "load: %s\n", e.what());
  return 3;
}
