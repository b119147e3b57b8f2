#pragma once

#include <cetane/os/address.hpp>

#include <optional>
#include <string>

namespace cetane::os {

/// Reads a line of /proc/net/tcp or /proc/net/tcp6: the inode of the socket if it listens on
/// `port`.
std::optional<std::string> tcp_listener_inode(const std::string& line, std::uint16_t port);

/// Reads a line of /proc/net/unix: the inode of the socket if it listens at `path`.
std::optional<std::string> unix_listener_inode(const std::string& line, const std::string& path);

}  // namespace cetane::os
