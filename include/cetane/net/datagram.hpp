#pragma once

#include <cetane/base/config.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/chunk.hpp>

#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cetane {

/// A datagram that was received: move-only, and read as a std::string_view. It may be empty, which
/// is a message like any other.
class datagram {
 public:
  datagram() noexcept = default;
  datagram(std::string_view text, const address& sender, bool cut)
      : bytes(text), from(sender), truncated(cut) {}

  std::string_view view() const { return bytes.view(); }
  operator std::string_view() const { return view(); }
  explicit operator std::string() const { return std::string(view()); }
  std::size_t size() const noexcept { return bytes.size(); }
  bool empty() const noexcept { return bytes.empty(); }

  chunk bytes;
  address from;
  bool truncated = false;  ///< it was longer than the limit; the rest is lost
};

}  // namespace cetane

/// Prints the bytes as they are; takes the format of a string.
template <>
struct fmt::formatter<cetane::datagram> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const cetane::datagram& what, Context& context) const {
    return fmt::formatter<std::string_view>::format(what.view(), context);
  }
};
