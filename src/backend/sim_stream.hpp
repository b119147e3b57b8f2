#pragma once

#include <backend/sim_bytes.hpp>
#include <backend/sim_engine.hpp>
#include <backend/sim_output.hpp>
#include <backend/sim_path.hpp>
#include <backend/sim_socket.hpp>
#include <backend/sim_stall.hpp>
#include <backend/sim_way.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>
#include <sys/uio.h>

namespace cetane::detail {

class sim_connection;

/// One end of a simulated connection: what the kernel keeps for a stream socket.
///
/// Calls that can fail return a negative errno value, the kernel's own for the same case.
class sim_stream final : public sim_socket {
 public:
  sim_stream(sim_engine& engine, sim_connection& home, bool is_client) noexcept;

  // For who holds the descriptor.
  ssize_t write(const iovec* parts, int count);
  /// Up to `room` bytes; 0 at the end of input; -EAGAIN when nothing is there.
  ssize_t read(char* to, std::size_t room) noexcept;
  /// Bytes that arrived and were not read, or what comes instead of them.
  bool readable() const noexcept;
  /// Lets who waits for room be told of it, though not all of a write was refused.
  void wait_for_room();
  int end_output();
  void close(bool reset) override;
  void vanish() noexcept override;
  /// The error that nobody has been told yet, which is told once.
  int take_error() noexcept;
  /// What broke it, whoever has been told.
  std::int16_t failure_kind() const noexcept {
    if (timed_out_) return ETIMEDOUT;
    return received_.end_arrived ? EPIPE : ECONNRESET;
  }
  int remote_address(address& out) const noexcept;
  std::size_t unacknowledged() const noexcept;
  unsigned conditions() const noexcept override;
  void delivered() override;

  // For the network, while it makes the connection.
  void establish() noexcept { state_ = state::connected; }
  void refuse(int error);
  /// True from the time when somebody has the descriptor, or may accept it.
  bool open() const noexcept { return open_; }
  void set_open() noexcept { open_ = true; }
  /// Plans what happens at the other end when something that leaves now has come there.
  void send_over(std::function<void(sim_stream&)> arrive) {
    send_over(0, false, std::move(arrive));
  }
  /// A reset comes by itself, not from the other end, and perhaps ahead of what is under way.
  void break_off(bool overtakes);
  /// True while somebody would notice that.
  bool alive() const noexcept {
    return open_ && state_ == state::connected && !broken_ && !finished();
  }

  // For the way to the other end.
  std::shared_ptr<sim_stream> self() const;
  std::shared_ptr<sim_stream> other() const;
  sim_way& way() noexcept { return way_; }
  /// Its machine has lost its power.
  bool vanished() const noexcept { return vanished_; }
  /// Its machine would not know it any more, and answer with a reset.
  bool gone() const noexcept { return vanished_ || timed_out_; }
  void reset_arrived();
  /// The other end was not heard of for too long.
  void time_out();
  bool keeps_alive() const noexcept { return keeps_alive_; }
  void keep_alive() noexcept { keeps_alive_ = true; }

  std::string name() const override;

  address remote;

 private:
  enum class state : std::uint8_t { connecting, connected, refused };

  void send_over(std::size_t bytes, bool insists, std::function<void(sim_stream&)> arrive);
  void mark();
  std::size_t fitting(std::size_t wanted);
  void call_when_roomy();
  void transmit();
  std::string next_piece();
  void cut();
  bool finished() const noexcept;

  void bytes_arrived(const std::string& bytes);
  void end_arrived();
  void receipt_arrived(const sim_receipt& receipt);

  sim_engine& engine_;
  sim_connection& home_;
  const bool is_client_;

  state state_ = state::connecting;
  bool open_ = false;
  bool broken_ = false;  // reset by one of both, or given up
  bool vanished_ = false;
  bool timed_out_ = false;
  bool keeps_alive_ = false;
  bool starved_ = false;  // a writer was refused and waits for room
  sim_stall stall_;
  int error_ = 0;
  sim_path path_;
  sim_way way_;
  sim_output output_;
  sim_bytes input_;
  sim_receipt received_;  // what has come, and been read, here
  sim_receipt told_;      // what of that the peer was told
};

}  // namespace cetane::detail
