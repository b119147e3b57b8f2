#include "backend/sim_address.hpp"

#include <cstring>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

namespace cetane::detail::sim_address {
namespace {

bool is_host(const address& where, std::string_view host) noexcept {
  return where == *address::parse_ip(host, where.port());
}

}  // namespace

bool is_any(const address& where) noexcept {
  return is_host(where, "0.0.0.0") || is_host(where, "::");
}

bool is_loopback(const address& where) noexcept {
  if (where.family() == address_family::ipv4) return where.host().starts_with("127.");
  return is_host(where, "::1");
}

address reached(const address& to) noexcept {
  if (!is_any(to)) return to;
  const bool v4 = to.family() == address_family::ipv4;
  return *address::parse_ip(v4 ? "127.0.0.1" : "::1", to.port());
}

address source_for(const address& to) noexcept {
  const bool v4 = to.family() == address_family::ipv4;
  return v4 && is_loopback(to) ? *address::parse_ip("127.0.0.1", 0) : to.with_port(0);
}

address seen_by_ipv6(const address& v4) noexcept {
  sockaddr_storage raw;
  v4.to_sockaddr(raw);
  const auto& four = reinterpret_cast<const sockaddr_in&>(raw);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = four.sin_port;
  six.sin6_addr.s6_addr[10] = 0xff;
  six.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&six.sin6_addr.s6_addr[12], &four.sin_addr, sizeof four.sin_addr);
  return address::from_sockaddr(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

address unmapped(const address& v6) noexcept {
  if (v6.family() != address_family::ipv6) return v6;
  const std::string host = v6.host();
  constexpr std::string_view prefix = "::ffff:";
  if (!host.starts_with(prefix)) return v6;
  return address::parse_ip(std::string_view(host).substr(prefix.size()), v6.port()).value_or(v6);
}

// [::] serves IPv4 too, as everywhere where nobody has switched that off.
bool serves(const address& listening, const address& to) noexcept {
  if (listening == to) return true;
  if (listening.port() != to.port() || !is_any(listening)) return false;
  return listening.family() == to.family() || listening.family() == address_family::ipv6;
}

bool overlap(const address& one, const address& other) noexcept {
  return serves(one, other) || serves(other, one);
}

bool is_broadcast(const address& where) noexcept {
  return where.family() == address_family::ipv4 && is_host(where, "255.255.255.255");
}

bool is_multicast(const address& where) noexcept {
  const std::string host = where.host();
  if (where.family() == address_family::ipv6) return host.starts_with("ff");
  if (where.family() != address_family::ipv4) return false;
  const int first = std::stoi(host);
  return first >= 224 && first <= 239;
}

address unnamed() noexcept {
  const sockaddr none{AF_UNIX, {}};
  return address::from_sockaddr(&none, sizeof none.sa_family);
}

}  // namespace cetane::detail::sim_address
