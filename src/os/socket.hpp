#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

/// Socket calls. They return 0 or more for success and a negative errno otherwise, throw nothing,
/// and make every descriptor non-blocking and closed on exec.
namespace cetane::os {

/// Opens a socket of a kind: SOCK_STREAM or SOCK_DGRAM.
int open_socket(address_family family, int kind, unique_fd& out) noexcept;
/// Binds a socket of that kind. A Unix socket's file that nobody listens on any more is removed
/// first; one that somebody does is -EADDRINUSE, and so is a file of another kind.
int bind_socket(int fd, int kind, const address& where) noexcept;

struct listen_options {
  int backlog = default_backlog;
  bool reuse_port = false;  ///< several sockets share a port; the kernel spreads the connections
  bool ipv6_only = false;   ///< [::] serves IPv6 only, and not IPv4 as well
};

/// Opens a listening stream socket. A TCP port may be taken again at once after a server's end.
/// For a Unix socket as bind_socket().
int listen_on(const address& where, const listen_options& options, unique_fd& out) noexcept;

/// Takes one waiting connection; -EAGAIN when there is none.
int accept_one(int listener, unique_fd& out, address* peer) noexcept;

/// Starts a connection, from a given local address if one is given.
///
/// @return 0 connected; -EINPROGRESS: connect_result() says how it went when the socket is
/// writable.
int begin_connect(const address& to, const address* from, unique_fd& out) noexcept;
/// How a connection attempt ended, or what went wrong with the socket since this was last asked.
int connect_result(int fd) noexcept;

int local_address(int fd, address& out) noexcept;
/// The peer's address; -ENOTCONN when it has gone.
int peer_address(int fd, address& out) noexcept;

/// Makes a connected stream socket that came from elsewhere as those are that are opened here.
/// -ENOTCONN, -EPROTOTYPE or -EAFNOSUPPORT when it is none that could be.
int prepare_stream(int fd, address& peer) noexcept;

/// Sends small pieces at once instead of waiting for more of them (TCP_NODELAY).
int set_nodelay(int fd) noexcept;
/// Finds out about a silent dead peer: asks after `idle`, then every `interval`, and gives up after
/// `count` questions.
int set_keepalive(int fd, duration idle, duration interval, int count) noexcept;
/// Makes closing the socket reset the connection, dropping what was not sent.
int set_linger_reset(int fd) noexcept;

/// Tells the peer that nothing more will come; reading goes on.
int shutdown_write(int fd) noexcept;
/// How many bytes the peer has not acknowledged yet.
int unsent_bytes(int fd) noexcept;

/// Makes a connected pair of Unix stream sockets.
int make_socket_pair(unique_fd& one, unique_fd& other) noexcept;
int make_pipe(unique_fd& read_end, unique_fd& write_end) noexcept;
int make_eventfd(unique_fd& out) noexcept;

}  // namespace cetane::os
