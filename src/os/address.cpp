#include <cetane/os/address.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace cetane {
namespace {

constexpr std::size_t longest_unix_path = sizeof(sockaddr_un::sun_path) - 1;

std::string_view without_brackets(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

// An interface's number, by number or by name; 0 when there is none such.
std::uint32_t parse_scope(const std::string& text) {
  if (text.find('\0') != std::string::npos) return 0;
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure == std::errc() && stop == end) return number;
  return ::if_nametoindex(text.c_str());
}

std::string scope_text(std::uint32_t scope) {
  char name[IF_NAMESIZE];
  if (::if_indextoname(scope, name) != nullptr) return name;
  return fmt::format("{}", scope);
}

[[noreturn]] void refuse_path(std::string_view path, std::string_view why, std::errc code) {
  const std::string text = fmt::format("use {} as the path of a Unix socket: {}",
                                       path.empty() ? "\"\"" : escape(path), why);
  throw error(error::whole_text(text), std::make_error_code(code));
}

}  // namespace

std::optional<address> address::parse_ip(std::string_view host, std::uint16_t port) {
  address result;
  const std::string v4(host);
  in_addr four{};
  if (::inet_pton(AF_INET, v4.c_str(), &four) == 1 && v4.find('\0') == std::string::npos) {
    result.set_ip(address_family::ipv4, &four, sizeof four, port);
    return result;
  }

  const std::string_view bare = without_brackets(host);
  const std::size_t percent = bare.find('%');
  const std::string v6(bare.substr(0, percent));
  in6_addr six{};
  if (::inet_pton(AF_INET6, v6.c_str(), &six) != 1 || v6.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  result.set_ip(address_family::ipv6, &six, sizeof six, port);
  if (percent != std::string_view::npos) {
    result.scope_ = parse_scope(std::string(bare.substr(percent + 1)));
    if (result.scope_ == 0) return std::nullopt;
  }
  return result;
}

address address::unix_path(std::string_view path) {
  if (path.empty() || path == "@") refuse_path(path, "it is empty", std::errc::invalid_argument);
  if (path.find('\0') != std::string_view::npos) {
    refuse_path(path, "it contains a zero byte", std::errc::invalid_argument);
  }
  // A path needs one more byte, its zero; an abstract name has that in front, where we have the
  // "@".
  const std::size_t size = path.size() - (path.front() == '@' ? 1 : 0);
  if (size > longest_unix_path) {
    refuse_path(path,
                fmt::format("it is {} bytes long, and the system takes at most {}", size,
                            longest_unix_path),
                std::errc::filename_too_long);
  }
  std::string bytes(path);
  if (bytes.front() == '@') bytes.front() = '\0';
  address result;
  result.set_unix(bytes);
  return result;
}

address address::from_sockaddr(const sockaddr* from, std::uint32_t length) noexcept {
  address result;
  if (from == nullptr || length < sizeof(sa_family_t)) return result;

  // Copied, since the caller's buffer may be aligned for bytes only.
  sockaddr_storage copy{};
  std::memcpy(&copy, from, std::min<std::size_t>(length, sizeof copy));
  if (copy.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(copy);
    result.set_ip(address_family::ipv4, &in.sin_addr, sizeof in.sin_addr, ntohs(in.sin_port));
  } else if (copy.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(copy);
    result.set_ip(address_family::ipv6, &in.sin6_addr, sizeof in.sin6_addr, ntohs(in.sin6_port));
    result.scope_ = in.sin6_scope_id;
  } else if (copy.ss_family == AF_UNIX) {
    constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);
    const auto* path = reinterpret_cast<const char*>(&copy) + path_at;
    std::size_t bytes = length > path_at ? std::min<std::size_t>(length - path_at, room) : 0;
    // The length of a path may or may not count its zero byte; every byte of an abstract name
    // counts.
    if (bytes > 0 && path[0] != '\0') bytes = ::strnlen(path, bytes);
    result.set_unix({path, bytes});
  }
  return result;
}

void address::assign(const sockaddr* from, std::uint32_t length) noexcept {
  if (family_ != address_family::ipv4 || length != sizeof(sockaddr_in)) {
    *this = from_sockaddr(from, length);
    return;
  }
  sockaddr_in in;
  std::memcpy(&in, from, sizeof in);
  if (in.sin_family != AF_INET) {
    *this = from_sockaddr(from, length);
  } else {
    port_ = ntohs(in.sin_port);
    std::memcpy(bytes_.data(), &in.sin_addr, sizeof in.sin_addr);
  }
}

std::uint32_t address::to_sockaddr(sockaddr_storage& out) const noexcept {
  constexpr std::size_t ip_bytes = 32;  // has room for each of the two
  static_assert(ip_bytes >= sizeof(sockaddr_in6));
  if (is_unix()) {
    std::memset(&out, 0, sizeof out);
  } else {
    std::memset(&out, 0, ip_bytes);
  }
  switch (family_) {
    case address_family::none:
      return 0;
    case address_family::ipv4: {
      auto& in = reinterpret_cast<sockaddr_in&>(out);
      in.sin_family = AF_INET;
      in.sin_port = htons(port_);
      std::memcpy(&in.sin_addr, bytes_.data(), sizeof in.sin_addr);
      return sizeof in;
    }
    case address_family::ipv6: {
      auto& in = reinterpret_cast<sockaddr_in6&>(out);
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(port_);
      in.sin6_scope_id = scope_;
      std::memcpy(&in.sin6_addr, bytes_.data(), sizeof in.sin6_addr);
      return sizeof in;
    }
    case address_family::unix_socket: {
      auto& un = reinterpret_cast<sockaddr_un&>(out);
      un.sun_family = AF_UNIX;
      std::memcpy(un.sun_path, bytes_.data(), length_);
      const bool is_path = length_ > 0 && length_ < room && bytes_[0] != '\0';
      return static_cast<std::uint32_t>(offsetof(sockaddr_un, sun_path) + length_ +
                                        (is_path ? 1 : 0));
    }
  }
  return 0;
}

address address::with_port(std::uint16_t port) const noexcept {
  address result = *this;
  if (family_ == address_family::ipv4 || family_ == address_family::ipv6) result.port_ = port;
  return result;
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN];
  switch (family_) {
    case address_family::none:
      return {};
    case address_family::ipv4:
      return ::inet_ntop(AF_INET, bytes_.data(), text, sizeof text);
    case address_family::ipv6: {
      const std::string plain = ::inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
      return scope_ == 0 ? plain : fmt::format("{}%{}", plain, scope_text(scope_));
    }
    case address_family::unix_socket: {
      std::string name(bytes_.data(), length_);
      if (!name.empty() && name.front() == '\0') name.front() = '@';
      return name;
    }
  }
  return {};
}

std::string address::to_string() const {
  switch (family_) {
    case address_family::none:
      return "(no address)";
    case address_family::ipv4:
      return fmt::format("{}:{}", host(), port_);
    case address_family::ipv6:
      return fmt::format("[{}]:{}", host(), port_);
    case address_family::unix_socket:
      return length_ == 0 ? "unix:(unnamed)" : "unix:" + printable(host());
  }
  return {};
}

std::string address::uri(std::string_view scheme) const {
  return is_unix() ? to_string() : fmt::format("{}://{}", scheme, to_string());
}

void address::set_ip(address_family family, const void* bytes, std::size_t length,
                     std::uint16_t port) noexcept {
  family_ = family;
  length_ = static_cast<std::uint8_t>(length);
  port_ = port;
  std::memcpy(bytes_.data(), bytes, length);
}

void address::set_unix(std::string_view bytes) noexcept {
  family_ = address_family::unix_socket;
  length_ = static_cast<std::uint8_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

}  // namespace cetane

auto fmt::formatter<cetane::address>::format(const cetane::address& where,
                                             fmt::format_context& context) const
    -> fmt::format_context::iterator {
  return fmt::formatter<std::string_view>::format(where.to_string(), context);
}
