#pragma once

#include <net/listener.hpp>
#include <net/stream.hpp>
#include <runtime/backend.hpp>

#include <cetane/net/connection.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/socket.h>

namespace cetane::test {

/// Runs the loop until `holds()`; fails where that does not come true within 20 s of its time.
inline void run_until(event_loop& loop, const std::function<bool()>& holds) {
  class time_limit final : public detail::timer {
   public:
    bool passed = false;

   private:
    void on_timer() noexcept override { passed = true; }
  };
  time_limit limit;
  loop.arm(limit, deadline_after(loop.now(), std::chrono::seconds(20)));
  loop.run_until([&] { return limit.passed || holds(); });
  REQUIRE_FALSE(limit.passed);
}

/// Lets `span` of simulated time pass.
inline void pass_time(event_loop& loop, duration span) {
  REQUIRE(loop.io().simulated());
  const time_point end = deadline_after(loop.now(), span);
  while (loop.now() < end) loop.run_once(end);
  loop.run_once(time_point::min());  // what is due at this very moment
}

/// Runs passes until what is under way has arrived: on a real network what the kernel has, on a
/// simulated one 10 ms of its time.
inline void settle(event_loop& loop) {
  if (loop.io().simulated()) return pass_time(loop, std::chrono::milliseconds(10));
  for (int pass = 0; pass < 8; ++pass) loop.run_once(time_point::min());
}

/// A TCP address on this machine with a port that the system picks.
inline address any_local_port() { return *address::parse_ip("127.0.0.1", 0); }

/// How much the sockets of a pair hold for themselves.
enum class socket_buffers {
  usual,
  small,  ///< some 100 KiB a direction, as in the simulation
};

/// The two ends of a connection, both in one loop. The loop does not run yet, or any more.
class connected_pair final : detail::accept_sink {
 public:
  explicit connected_pair(event_loop& loop, const address& at = any_local_port(),
                          socket_buffers size = socket_buffers::usual,
                          const connection_limits& limits = {})
      : loop_(loop),
        limits_(limits),
        small_(size == socket_buffers::small && !loop.io().simulated()) {
    detail::listener listener(loop, *this);
    REQUIRE(listener.open(at, {}, 64) == 0);
    if (small_) make_small(listener.descriptor);
    connect(listener.bound());
  }
  connected_pair(event_loop& loop, socket_buffers size)
      : connected_pair(loop, any_local_port(), size) {}

  connection here;   // the end that has connected
  connection there;  // the end that was accepted

  /// The sockets themselves, while they are open.
  int socket_here() const noexcept { return stream_here_->descriptor; }
  int socket_there() const noexcept { return stream_there_->descriptor; }

 private:
  class knock final : public detail::poll_io {
   public:
    explicit knock(event_loop& loop) noexcept : loop_(loop) {}
    ~knock() { loop_.io().unwatch(*this); }
    bool connected = false;

   private:
    void on_ready() noexcept override {
      address peer;
      connected = loop_.io().connect_result(descriptor) == 0 &&
                  loop_.io().peer_address(descriptor, peer) == 0;
    }
    event_loop& loop_;
  };

  static void make_small(int socket) {
    const int bytes = 32 * 1024;
    REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
    REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
  }

  void connect(const address& to) {
    int descriptor = -1;
    const int result = loop_.io().connect(to, nullptr, descriptor);
    REQUIRE((result == 0 || result == -EINPROGRESS));
    if (small_) make_small(descriptor);
    {
      knock attempt(loop_);
      attempt.descriptor = descriptor;
      attempt.connected = result == 0;
      if (result != 0) REQUIRE(loop_.io().watch(attempt) == 0);
      run_until(loop_, [&] { return attempt.connected && there; });
    }
    stream_here_ = make_stream(descriptor, to);
    here = connection(*stream_here_);
  }

  detail::stream* make_stream(int descriptor, const address& peer) {
    static const connection_limits usual;
    auto made = std::make_unique<detail::stream>(loop_, usual);
    if (limits_.passed_descriptors != 0) made->set_limits(limits_);
    REQUIRE(made->open(descriptor, peer) == 0);
    return made.release();
  }

  void on_accept(int descriptor, const address& peer) noexcept override {
    stream_there_ = make_stream(descriptor, peer);
    there = connection(*stream_there_);
  }
  bool has_room() noexcept override { return !there; }

  event_loop& loop_;
  const connection_limits limits_;
  bool small_;
  detail::stream* stream_here_ = nullptr;
  detail::stream* stream_there_ = nullptr;
};

/// Sends `text` and runs the loop until the other end has got it.
inline void deliver(event_loop& loop, connection& from, std::string_view text) {
  const std::uint64_t before = loop.stats().bytes_received;
  REQUIRE(from.try_send(text));
  run_until(loop, [&] { return loop.stats().bytes_received == before + text.size(); });
}

/// Bytes that show it when some are missing or out of place.
inline std::string pattern(std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

}  // namespace cetane::test
