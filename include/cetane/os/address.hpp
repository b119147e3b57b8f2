#pragma once

#include <cetane/base/config.hpp>

#include <fmt/core.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace cetane {

enum class address_family : std::uint8_t { none, ipv4, ipv6, unix_socket };

/// Where a socket is, or its peer: an IP address with a port, or the path or abstract name of a
/// Unix socket.
class CETANE_API address {
 public:
  /// No address at all.
  address() noexcept = default;

  /// Reads a numeric address: "127.0.0.1", "::1", "[::1]", "fe80::1%eth0".
  ///
  /// @return Nothing for a name, which needs a resolver, and for anything else.
  [[nodiscard]] static std::optional<address> parse_ip(std::string_view host, std::uint16_t port);

  /// The address of a Unix socket. A path that begins with "@" is a name in Linux's abstract
  /// namespace.
  ///
  /// @throws error  The path is empty, contains a zero byte, or is longer than the 107 bytes that
  /// the system takes.
  [[nodiscard]] static address unix_path(std::string_view path);

  /// Reads what the system fills in; the address of another family is `none`.
  [[nodiscard]] static address from_sockaddr(const sockaddr* from, std::uint32_t length) noexcept;

  /// Becomes that. Of an IP address after another of its kind little is written anew.
  void assign(const sockaddr* from, std::uint32_t length) noexcept;

  /// Fills in what the system reads, and returns its length.
  std::uint32_t to_sockaddr(sockaddr_storage& out) const noexcept;

  [[nodiscard]] address_family family() const noexcept { return family_; }
  [[nodiscard]] bool is_unix() const noexcept { return family_ == address_family::unix_socket; }
  /// The port; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The same place on another port; a Unix socket has none, and stays as it is.
  [[nodiscard]] address with_port(std::uint16_t port) const noexcept;

  /// "127.0.0.1", "::1", "/run/chat", "@abstract"; empty for a Unix socket without a name.
  [[nodiscard]] std::string host() const;
  /// "127.0.0.1:8013", "[::1]:8013", "unix:/run/chat", "unix:@abstract", "unix:(unnamed)". Safe for
  /// a log.
  [[nodiscard]] std::string to_string() const;
  /// "tcp://127.0.0.1:8013"; a Unix socket's is "unix:/run/chat" whatever the scheme.
  [[nodiscard]] std::string uri(std::string_view scheme) const;

  /// Three words that are the same for the same IP address, port and interface, and for no others:
  /// for tables of many.
  [[nodiscard]] std::array<std::uint64_t, 3> ip_words() const noexcept {
    std::array<std::uint64_t, 3> words{};
    words[0] = std::uint64_t{static_cast<std::uint8_t>(family_)} | std::uint64_t{length_} << 8 |
               std::uint64_t{port_} << 16 | std::uint64_t{scope_} << 32;
    std::memcpy(&words[1], bytes_.data(), 2 * sizeof words[1]);
    return words;
  }

  /// Equal is the same place; the order is good for sorted containers and nothing else.
  auto operator<=>(const address&) const = default;

 private:
  static constexpr std::size_t room = 108;  // sockaddr_un::sun_path

  void set_ip(address_family family, const void* bytes, std::size_t length,
              std::uint16_t port) noexcept;
  void set_unix(std::string_view bytes) noexcept;

  address_family family_ = address_family::none;
  std::uint8_t length_ = 0;  // of bytes_
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;  // the interface of an IPv6 link-local address
  /// The IP in network order, a path, or a zero byte and an abstract name.
  std::array<char, room> bytes_{};
};

[[nodiscard]] inline std::string to_string(const address& where) { return where.to_string(); }

}  // namespace cetane

/// Prints as to_string() does; takes the format of a string.
template <>
struct fmt::formatter<cetane::address> : fmt::formatter<std::string_view> {
  CETANE_API auto format(const cetane::address& where, fmt::format_context& context) const
      -> fmt::format_context::iterator;
};
