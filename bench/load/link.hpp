#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "channel.hpp"
#include "latency.hpp"
#include "pattern.hpp"

namespace load {

/// What every link does alike.
struct workload {
  std::uint64_t message_bytes = 64;
  std::uint64_t in_flight = 1;
  bool datagrams = false;  // UDP: one for each message
  bool verify = false;
};

/// Gives the steady clock's time in nanoseconds.
std::uint64_t now();

/// One connection, or one socket for datagrams. In the closed loop the next message leaves as soon
/// as one has come back whole; in the open loop, when it is due.
class link {
 public:
  link(const workload& work, std::unique_ptr<channel> over, std::uint64_t first_place);

  int descriptor() const { return channel_->descriptor(); }
  std::uint64_t answered() const { return received_ / work_->message_bytes; }
  std::uint64_t wrong_bytes() const { return wrong_; }
  bool idle() const { return received_ == allowed_; }

  /// Sends one message that was due at `due`, in nanoseconds of the steady clock: the time that it
  /// takes counts from there, however late it leaves. False when as many are in flight as may be.
  bool depart(std::uint64_t due, const pattern& bytes);
  /// Lets `messages` more leave and sends as many as fit into flight.
  void allow(std::uint64_t messages, const pattern& bytes);
  /// Forbids all messages that have not begun to leave.
  void stop();
  /// Takes what has come, counts the time of each message that is complete, sends what may leave
  /// now.
  ///
  /// @throws std::runtime_error  The server ended the connection.
  void turn(const pattern& bytes, std::span<char> buffer, latency_histogram& times);

 private:
  void send_what_may_leave(const pattern& bytes, std::uint64_t departure);
  void take(std::string_view received, std::uint64_t arrival, const pattern& bytes,
            latency_histogram& times);

  const workload* work_;
  std::unique_ptr<channel> channel_;
  std::uint64_t first_place_;
  std::uint64_t allowed_ = 0, sent_ = 0, received_ = 0;  // bytes
  std::uint64_t wrong_ = 0;
  std::vector<std::uint64_t> departures_;  // ring: when each message in flight began to leave, or
  bool have_due_times_ = false;            // when it was due
};

}  // namespace load
