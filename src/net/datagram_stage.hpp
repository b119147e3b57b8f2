#pragma once

#include <os/datagram_outbox.hpp>
#include <runtime/io_blocks.hpp>

#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstddef>
#include <string_view>

namespace cetane::detail {

class datagram_port;

/// Where what a loop's tasks send over UDP is collected, to leave with one system call.
///
/// It is empty, or holds datagrams of one socket, in their order. They leave
/// - at the end of the pass;
/// - when there is no room for one more, or another socket sends;
/// - before the same socket sends one that is not staged, or is closed.
class datagram_stage final : public late_output {
 public:
  explicit datagram_stage(io_blocks& of) noexcept : blocks_(of) {}

  /// The one of this loop. Throws std::bad_alloc.
  static datagram_stage& of(event_loop& loop);

  /// Adds a datagram of `size` bytes, datagram_outbox::longest at most; to its only peer if `to` is
  /// null.
  void add(datagram_port& from, const address* to, const std::string_view* parts, std::size_t count,
           std::size_t size) noexcept {
    if (from_ != &from || !staged_.has_room_for(size)) make_way_for(from);
    staged_.add(to == nullptr ? os::ip_place() : os::ip_place(*to), parts, count, size);
  }

  void send_those_of(const datagram_port& port) noexcept {
    if (from_ == &port) leave();
  }
  void leave() noexcept override;

 private:
  void make_way_for(datagram_port& next) noexcept;

  io_blocks& blocks_;
  datagram_port* from_ = nullptr;
  os::datagram_outbox staged_;
};

}  // namespace cetane::detail
