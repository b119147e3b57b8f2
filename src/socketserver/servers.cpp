#include <cetane/socketserver/servers.hpp>

#include "os/fork_hook.hpp"
#include "socketserver/socket_calls.hpp"

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <cerrno>

#include <sys/socket.h>

namespace cetane::socketserver {

tcp_server::tcp_server(endpoint where, handler_factory make)
    : base_server(std::move(where), std::move(make), SOCK_STREAM) {}

tcp_server::~tcp_server() = default;

void tcp_server::server_activate() {
  if (const int failed = detail::listen(fileno(), request_queue_size); failed < 0) {
    throw error(fmt::format("listen on {}", server_address()), system_code(failed));
  }
}

incoming tcp_server::get_request() {
  unique_fd fd;
  address client;
  const os::forks_held_back until_it_has_an_owner;
  if (const int failed = detail::accept(fileno(), fd, client); failed < 0) {
    throw error(fmt::format("accept on {}", server_address()), system_code(failed));
  }
  return {request(std::make_shared<blocking_socket>(std::move(fd))), client};
}

void tcp_server::shutdown_request(request& asked) {
  asked.socket().shutdown_write();
  close_request(asked);
}

void tcp_server::close_request(request& asked) { asked.socket().close(); }

udp_server::udp_server(endpoint where, handler_factory make)
    : base_server(std::move(where), std::move(make), SOCK_DGRAM) {}

udp_server::~udp_server() = default;

incoming udp_server::get_request() {
  address client;
  std::string packet(max_packet_size, '\0');
  const long count = detail::take_datagram(fileno(), packet.data(), packet.size(), client);
  if (count < 0) {
    throw error(fmt::format("take a datagram on {}", server_address()),
                system_code(static_cast<int>(count)));
  }
  packet.resize(static_cast<std::size_t>(count));
  return {request(std::move(packet), socket()), client};
}

unix_stream_server::unix_stream_server(endpoint where, handler_factory make)
    : tcp_server(std::move(where), std::move(make)) {
  address_family = cetane::address_family::unix_socket;
}

unix_stream_server::~unix_stream_server() = default;

unix_datagram_server::unix_datagram_server(endpoint where, handler_factory make)
    : udp_server(std::move(where), std::move(make)) {
  address_family = cetane::address_family::unix_socket;
}

unix_datagram_server::~unix_datagram_server() = default;

}  // namespace cetane::socketserver
