#pragma once

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstddef>

/// The system calls of a server's own socket. They return a negative errno on failure.
namespace cetane::socketserver::detail {

/// Opens a socket that never waits and is closed on exec. `type` is SOCK_STREAM or SOCK_DGRAM.
int open_socket(address_family family, int type, unique_fd& out) noexcept;
int reuse_address(int fd) noexcept;
int reuse_port(int fd) noexcept;
int bind_to(int fd, const address& where) noexcept;
int listen(int fd, int backlog) noexcept;
/// Takes a connection, whose calls wait, from a socket whose do not. -EAGAIN: there is none.
int accept(int fd, unique_fd& out, address& peer) noexcept;
/// Takes a datagram and returns its length, without what did not fit. -EAGAIN: there is none.
long take_datagram(int fd, char* buffer, std::size_t size, address& sender) noexcept;

}  // namespace cetane::socketserver::detail
