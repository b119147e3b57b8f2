#pragma once

#include <cetane/os/address.hpp>

#include <cstdint>
#include <string>

namespace cetane::socketserver {

/// Where a server shall be: a host and a port, the path of a Unix socket, or an address.
class CETANE_API endpoint {
 public:
  /// @param host  A name, a number, or "" for every address of this machine.
  /// @param port  0 takes any free port.
  endpoint(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  /// The path of a Unix socket; one that begins with "@" is an abstract name.
  /// @throws error  The path is empty, too long, or contains a zero byte.
  endpoint(const char* path) : known_(address::unix_path(path)) {}
  endpoint(const std::string& path) : known_(address::unix_path(path)) {}
  endpoint(const address& where) : known_(where) {}

  /// The address, of this family if it has a choice. Blocks while a name is looked up.
  /// @throws resolve_error  The name has no address of the family.
  [[nodiscard]] address resolve(address_family family) const;

 private:
  address known_;
  std::string host_;
  std::uint16_t port_ = 0;
};

}  // namespace cetane::socketserver
