/// Servers in the manner of Python's socketserver: a handler object for each request, served one by
/// one, in threads or in child processes. Calls block; no event loop is needed.
///
///     struct echo : socketserver::stream_request_handler {
///       void handle() override { wfile().write(rfile().read_line()); }
///     };
///     socketserver::ThreadingTCPServer server({"localhost", 8013}, socketserver::handler<echo>);
///     server.serve_forever();
///
/// The names of Python's classes are aliases for servers that are complete; a server of one's own
/// derives from `tcp_server`, `threading<tcp_server>` and so on, and is made as `live<my_server>`.
#pragma once

#include <cetane/socketserver/base_server.hpp>
#include <cetane/socketserver/datagram_request_handler.hpp>
#include <cetane/socketserver/forking.hpp>
#include <cetane/socketserver/live.hpp>
#include <cetane/socketserver/servers.hpp>
#include <cetane/socketserver/stream_request_handler.hpp>
#include <cetane/socketserver/threading.hpp>

namespace cetane::socketserver {

using TCPServer = live<tcp_server>;
using UDPServer = live<udp_server>;
using UnixStreamServer = live<unix_stream_server>;
using UnixDatagramServer = live<unix_datagram_server>;

using ThreadingTCPServer = live<threading<tcp_server>>;
using ThreadingUDPServer = live<threading<udp_server>>;
using ThreadingUnixStreamServer = live<threading<unix_stream_server>>;
using ThreadingUnixDatagramServer = live<threading<unix_datagram_server>>;

using ForkingTCPServer = live<forking<tcp_server>>;
using ForkingUDPServer = live<forking<udp_server>>;
using ForkingUnixStreamServer = live<forking<unix_stream_server>>;
using ForkingUnixDatagramServer = live<forking<unix_datagram_server>>;

template <class Server>
using ThreadingMixIn = threading<Server>;
template <class Server>
using ForkingMixIn = forking<Server>;

using BaseServer = base_server;
using BaseRequestHandler = base_request_handler;
using StreamRequestHandler = stream_request_handler;
using DatagramRequestHandler = datagram_request_handler;

}  // namespace cetane::socketserver
