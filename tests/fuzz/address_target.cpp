// Addresses as users write them, and as the system fills them in.
#include <fuzz/fuzz.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/address.hpp>

#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace cetane::fuzz::address_target {

address through_system(const address& where) {
  sockaddr_storage raw;
  const std::uint32_t length = where.to_sockaddr(raw);
  return address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), length);
}

void check_any(const address& where) {
  require(is_harmless(where.to_string()), "an address in a log is harmless");
  require_equal(through_system(where), where, "the system's form says the same");
  require_equal(where.with_port(where.port()), where, "the same port is the same place");
}

void check_numeric(const address& where) {
  check_any(where);
  const auto again = address::parse_ip(where.host(), where.port());
  require(again.has_value(), "a numeric address can be read back");
  require_equal(*again, where, "a numeric address can be read back as it is");
  const bool v6 = where.family() == address_family::ipv6;
  require_equal(where.to_string(),
                fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), where.host(), where.port()),
                "an address is a host and a port");
}

bool system_reads(int family, std::string_view text) {
  char bytes[sizeof(in6_addr)];
  const bool whole = text.find('\0') == std::string_view::npos;
  return whole && ::inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

void check_ip(std::string_view text, std::uint16_t port) {
  const auto parsed = address::parse_ip(text, port);
  const bool bracketed = text.size() > 1 && text.front() == '[' && text.back() == ']';
  const std::string_view bare = bracketed ? text.substr(1, text.size() - 2) : text;
  if (text.find('%') == std::string_view::npos) {
    const bool readable = system_reads(AF_INET, text) || system_reads(AF_INET6, bare);
    require_equal(parsed.has_value(), readable, "numeric is what the system takes for it");
  }
  if (!parsed) return;
  require_equal(parsed->port(), port, "the port is the one that was given");
  check_numeric(*parsed);
}

void check_unix(std::string_view path) {
  const bool has_zero = path.find('\0') != std::string_view::npos;
  const bool abstract = path.starts_with('@');
  const bool fits = path.size() - (abstract ? 1 : 0) <= 107;
  const bool good = !path.empty() && path != "@" && !has_zero && fits;
  try {
    const address where = address::unix_path(path);
    require(good, "a path that the system cannot take is refused");
    require_equal(where.host(), path, "a path stays as it is");
    check_any(where);
  } catch (const error& e) {
    require(!good, "a good path is taken");
    require(is_harmless(e.what()), "an error is harmless");
  }
}

// The buffer ends where the length says, so that reading beyond it is noticed.
void check_system(std::string_view bytes) {
  std::vector<char> raw(bytes.begin(), bytes.end());
  const address where = address::from_sockaddr(reinterpret_cast<const sockaddr*>(raw.data()),
                                               static_cast<std::uint32_t>(raw.size()));
  if (where.family() == address_family::ipv4 || where.family() == address_family::ipv6) {
    check_numeric(where);
  } else {
    check_any(where);
  }
}

const target here("address", [](input in) {
  const std::uint8_t kind = in.byte();
  if (kind % 3 == 1) return check_unix(in.rest());
  if (kind % 3 == 2) return check_system(in.rest());
  const auto port = static_cast<std::uint16_t>(in.number(65535));
  check_ip(in.rest(), port);
});

}  // namespace cetane::fuzz::address_target
