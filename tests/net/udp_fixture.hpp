#pragma once

#include <support/cancel_everywhere.hpp>
#include <support/connected_pair.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connect_udp.hpp>
#include <cetane/net/udp_peer.hpp>
#include <cetane/net/udp_socket.hpp>
#include <cetane/os/address.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cetane::test {

using namespace std::chrono_literals;

/// A loop of its own for tasks that use datagram sockets.
struct udp_fixture {
  udp_fixture() = default;
  explicit udp_fixture(std::unique_ptr<detail::backend> io) : loop(std::move(io)) {}

  test_loop loop;

  /// Runs a task to its end; what it throws is thrown here.
  template <class Fn>
  auto run(Fn&& body) {
    return loop.run(std::forward<Fn>(body));
  }
  void until(const std::function<bool()>& holds) { run_until(loop, holds); }
  void settle() { test::settle(loop); }
  loop_stats stats() { return loop.loop().stats(); }
};

/// A socket on this machine, on a port that the system picks.
inline udp_socket any_socket() { return udp_socket::bind("127.0.0.1", 0); }

/// An address where nobody receives.
inline address deserted() {
  udp_socket gone = any_socket();
  return gone.local();
}

/// Receives a datagram that says `text`. An await within REQUIRE would be evaluated twice.
template <class From>
task<> hears(From& at, std::string text) {
  const datagram got = co_await at.receive();
  REQUIRE(got.view() == text);
}

/// Receives `count` datagrams, and gives their texts.
inline task<std::vector<std::string>> receive_all(udp_socket& at, std::size_t count) {
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    const datagram one = co_await at.receive();
    text = one.view();
  }
  co_return texts;
}

}  // namespace cetane::test
