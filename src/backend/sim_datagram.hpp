#pragma once

#include <backend/sim_engine.hpp>
#include <backend/sim_path.hpp>
#include <backend/sim_socket.hpp>
#include <backend/sim_stall.hpp>
#include <os/arrived_datagram.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cetane::detail {

/// A simulated datagram socket: what the kernel keeps for one.
class sim_datagram final : public sim_socket {
 public:
  /// As many a Unix socket keeps for its owner, at most: the kernel's usual limit.
  static constexpr std::size_t most_kept_by_unix = 10;

  explicit sim_datagram(sim_engine& engine) noexcept : sim_socket(kind::datagram), path(engine) {}

  // For who holds the descriptor.

  /// Gives out up to `count` datagrams: valid until the next call.
  std::span<const os::arrived_datagram> take(std::size_t limit, std::size_t count);
  bool take_failure(os::datagram_failure& out);

  // For the network.

  /// Whether it takes datagrams from there: a connected one only its peer's.
  bool hears(const address& from) const noexcept;
  /// False if there is no room, and the datagram is lost.
  bool arrive(std::string bytes, const address& from, bool cut, std::size_t capacity);
  /// Gives up the places of those that do not come, and keeps some for those that will.
  void expect() noexcept { ++expected_; }
  void no_longer_expect() noexcept { --expected_; }
  bool is_full_for_unix() const noexcept {
    return arrived_.size() + expected_ >= most_kept_by_unix;
  }
  void note_failure(const address& about, int error) { failures_.push_back({about, error}); }

  /// There is room for who was refused it: true if that is news for somebody.
  bool relieve() noexcept {
    relieved_ = std::exchange(starved, false) || relieved_;
    return relieved_ && open;
  }

  unsigned conditions() const noexcept override;
  std::string name() const override { return local.to_string(); }
  /// Room is news for who was refused it, and once.
  void delivered() override { relieved_ = false; }
  void close(bool) override { open = false; }
  void vanish() noexcept override { open = false; }

  bool open = true;
  bool may_broadcast = false;
  bool starved = false;   // a sender was refused, and is to be told of room
  bool has_peer = false;  // it is connected: to `peer`
  address peer;
  std::vector<address> groups;  // multicast groups that it has joined
  sim_path path;                // of what it sends: usually nothing overtakes
  sim_stall stall;
  std::size_t under_way = 0;  // bytes that it has sent, and that have not come anywhere
  std::vector<std::weak_ptr<sim_datagram>> waiting_for_room;  // whose datagrams it had no room for

 private:
  struct packet {
    std::string bytes;
    address from;
    bool cut;
  };
  static std::size_t room_of(const std::string& bytes) noexcept { return bytes.size() + 256; }

  std::deque<packet> arrived_;
  std::vector<packet> taken_;
  std::vector<os::arrived_datagram> shown_;  // those, as the owner sees them
  std::deque<os::datagram_failure> failures_;
  std::size_t bytes_ = 0;  // that wait, with what the kernel needs besides
  std::size_t expected_ = 0;
  std::uint32_t lost_ = 0;
  bool relieved_ = false;
};

}  // namespace cetane::detail
