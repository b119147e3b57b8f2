#pragma once

#include <net/datagram_inbox.hpp>
#include <net/datagram_port.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/address.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cetane::detail {

/// One side of a conversation in datagrams: what a udp_peer stands for.
class datagram_link : public datagram_inbox {
 public:
  virtual datagram_port& port() noexcept = 0;
  /// Null: the socket has no other peer.
  virtual const address* destination() const noexcept = 0;
  virtual void end() noexcept = 0;
  /// Nothing more will come in; sending goes on until end().
  void end_input() noexcept {
    if (is_closed()) return;
    sends_on_ = true;
    close();
  }
  bool may_send() const noexcept { return sends_on_ || !is_closed(); }
  virtual std::uint64_t dropped() const noexcept = 0;
  /// Its udp_peer is gone.
  virtual void release() noexcept = 0;

  const address& remote() const noexcept { return remote_; }
  std::string describe() const override { return "datagram from " + remote_.to_string(); }

 protected:
  void end_both() noexcept {
    sends_on_ = false;
    close();
  }

  explicit datagram_link(const address& remote) noexcept : remote_(remote) {}
  ~datagram_link() = default;

 private:
  std::string tried() const { return "receive from " + remote_.to_string(); }
  void throw_closed() const override {
    throw connection_closed("receive from", remote_.to_string(), {}, errc::closed_here);
  }
  void throw_undelivered(int error) const override {
    throw connection_error(tried(), system_code(error));
  }

 protected:
  address remote_;

 private:
  bool sends_on_ = false;  // though the inbox is closed
};

}  // namespace cetane::detail
