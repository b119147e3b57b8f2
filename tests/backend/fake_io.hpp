#pragma once

#include "runtime/backend.hpp"

#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <support/make_test_backend.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cetane::test {

/// Runs passes until `holds()`, and fails where that never comes true. The kernel does not tell of
/// everything (an acknowledgement, for one), so it is asked every millisecond.
inline void run_until(event_loop& loop, const std::function<bool()>& holds) {
  const time_point limit = loop.now() + std::chrono::seconds(20);
  while (!holds()) {
    const time_point now = loop.now();
    REQUIRE(now < limit);
    loop.run_once(loop.io().simulated() ? limit : now + std::chrono::milliseconds(1));
  }
}

/// Runs passes until everything that is under way has arrived: simulated for a while of its time.
inline void settle(event_loop& loop,
                   std::chrono::nanoseconds simulated = std::chrono::seconds(10)) {
  if (!loop.io().simulated()) {
    for (int pass = 0; pass < 5; ++pass) loop.run_once(time_point::min());
    return;
  }
  const time_point end = loop.now() + simulated;
  while (loop.now() < end) loop.run_once(end);
}

/// A stream that notes what the backend tells it.
class noting_stream final : public detail::stream_io {
 public:
  explicit noting_stream(event_loop& loop) noexcept : loop_(loop) {}
  ~noting_stream() { close(); }

  void open(int number, bool read = true) {
    descriptor = number;
    REQUIRE(loop_.io().watch(*this, true) == 0);
    if (read) set_reading(true);
  }
  /// Stops watching and gives the descriptor away.
  int release() {
    loop_.io().unwatch(*this);
    return std::exchange(descriptor, -1);
  }
  void close(bool reset = false) {
    if (descriptor >= 0) loop_.io().close(release(), reset);
  }

  ssize_t write(std::string_view text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return loop_.io().write(*this, &part, 1);
  }
  /// Writes until the backend takes no more; returns how much that was.
  std::size_t fill(char byte = 'x') {
    const std::string block(50'000, byte);
    std::size_t total = 0;
    for (;;) {
      const ssize_t taken = write(block);
      if (taken == -EAGAIN) return total;
      REQUIRE(taken > 0);
      total += static_cast<std::size_t>(taken);
    }
  }
  int end_output() { return loop_.io().shutdown_write(*this); }
  void set_reading(bool on) { loop_.io().set_reading(*this, on); }
  std::size_t unsent() const { return loop_.io().unsent_bytes(*this); }
  address local() const;
  int remote(address& out) const { return loop_.io().peer_address(descriptor, out); }

  void on_data(char* bytes, std::size_t count) noexcept override {
    largest = std::max(largest, count);
    data.append(bytes, count);
    told("data");
  }
  bool has_reader() const noexcept override { return is_back; }
  void on_end(int error) noexcept override {
    ends.push_back(error);
    told("end");
  }
  void on_hang_up(int error) noexcept override {
    hang_ups.push_back(error);
    told("hang-up");
  }
  void on_writable() noexcept override {
    ++writables;
    told("writable");
  }
  void on_staged(std::size_t, ssize_t) noexcept override {}

  bool is_back = false;  // whether there is a reader for more, at once
  std::string data;
  std::size_t largest = 0;
  std::vector<int> ends;
  std::vector<int> hang_ups;
  int writables = 0;
  std::vector<std::string> story;  // the up-calls, data once for all in a row
  std::function<void()> hook;      // runs within each up-call

 private:
  void told(const char* what) {
    if (story.empty() || story.back() != "data" || story.back() != what) story.emplace_back(what);
    if (const auto act = hook) act();
  }

  event_loop& loop_;
};

inline address noting_stream::local() const {
  address out;
  REQUIRE(loop_.io().local_address(descriptor, out) == 0);
  return out;
}

/// A listener, or a connection being made.
class noting_poll final : public detail::poll_io {
 public:
  explicit noting_poll(event_loop& loop) noexcept : loop_(loop) {}
  ~noting_poll() { close(); }

  void open(int number) {
    descriptor = number;
    REQUIRE(loop_.io().watch(*this) == 0);
  }
  /// Stops watching and gives the descriptor away.
  int release() {
    loop_.io().unwatch(*this);
    return std::exchange(descriptor, -1);
  }
  void close() {
    if (descriptor >= 0) loop_.io().close(release(), false);
  }

  void on_ready() noexcept override {
    ++calls;
    if (const auto act = hook) act();
  }

  int calls = 0;
  std::function<void()> hook;

 private:
  event_loop& loop_;
};

/// A place to connect to.
class listening {
 public:
  explicit listening(event_loop& loop, const address& at = *address::parse_ip("127.0.0.1", 0),
                     const detail::listen_request& request = {})
      : io(loop), loop_(loop) {
    int descriptor = -1;
    REQUIRE(loop.io().listen(at, request, descriptor, where) == 0);
    io.open(descriptor);
  }

  /// 0, -EAGAIN, or why not; a newcomer's descriptor and address.
  int accept(int& descriptor, address& peer) { return loop_.io().accept(io, descriptor, peer); }
  /// Waits for the next newcomer.
  int accept_one() {
    int descriptor = -1;
    address peer;
    int result = -EAGAIN;
    run_until(loop_, [&] { return (result = accept(descriptor, peer)) != -EAGAIN; });
    REQUIRE(result == 0);
    return descriptor;
  }

  noting_poll io;
  address where;

 private:
  event_loop& loop_;
};

/// Connects to the end, however the backend goes about it: 0 or a negative errno value.
inline int connect_to(event_loop& loop, const address& to, int& descriptor,
                      const address* from = nullptr) {
  const int begun = loop.io().connect(to, from, descriptor);
  if (begun != -EINPROGRESS) return begun;
  noting_poll connecting(loop);
  connecting.open(descriptor);
  run_until(loop, [&] { return connecting.calls > 0; });
  const int result = loop.io().connect_result(descriptor);
  if (result == 0) connecting.release();
  return result;
}

/// A loop of its own with two streams that are connected to each other.
struct connected_pair {
  explicit connected_pair(event_loop& on, const address& at = *address::parse_ip("127.0.0.1", 0))
      : loop(on), server_side(on, at), client(on), server(on) {
    int descriptor = -1;
    REQUIRE(connect_to(loop, server_side.where, descriptor) == 0);
    client.open(descriptor);
    server.open(server_side.accept_one());
  }

  event_loop& loop;
  listening server_side;
  noting_stream client;
  noting_stream server;
};

}  // namespace cetane::test
