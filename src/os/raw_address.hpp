#pragma once

#include <cetane/os/address.hpp>

#include <sys/socket.h>

namespace cetane::os {

/// The system's form of an address, ready for a call.
class raw_address {
 public:
  raw_address() noexcept = default;
  explicit raw_address(const address& from) noexcept : length_(from.to_sockaddr(storage_)) {}

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t length() const noexcept { return length_; }
  socklen_t* length_for_result() noexcept {
    length_ = sizeof storage_;
    return &length_;
  }
  address value() noexcept { return address::from_sockaddr(get(), length_); }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace cetane::os
