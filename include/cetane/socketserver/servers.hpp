#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/socketserver/base_server.hpp>

namespace cetane::socketserver {

/// Serves TCP connections, one after the other.
class CETANE_API tcp_server : public base_server {
 public:
  ~tcp_server() override;

  void server_activate() override;
  incoming get_request() override;
  /// Ends the output, then calls close_request().
  void shutdown_request(request& asked) override;
  void close_request(request& asked) override;

 protected:
  tcp_server(endpoint where, handler_factory make);
};

/// Serves UDP datagrams, one after the other.
class CETANE_API udp_server : public base_server {
 public:
  std::size_t max_packet_size = default_packet_size;  ///< what is longer is cut off

  ~udp_server() override;

  incoming get_request() override;

 protected:
  udp_server(endpoint where, handler_factory make);
};

/// Serves connections to a path.
class CETANE_API unix_stream_server : public tcp_server {
 public:
  ~unix_stream_server() override;

 protected:
  unix_stream_server(endpoint where, handler_factory make);
};

/// Serves datagrams sent to a path. A client that is bound to no path of its own gets no reply.
class CETANE_API unix_datagram_server : public udp_server {
 public:
  ~unix_datagram_server() override;

 protected:
  unix_datagram_server(endpoint where, handler_factory make);
};

}  // namespace cetane::socketserver
