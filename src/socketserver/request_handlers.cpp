#include <cetane/socketserver/datagram_request_handler.hpp>
#include <cetane/socketserver/stream_request_handler.hpp>

#include <stdexcept>
#include <system_error>

namespace cetane::socketserver {
namespace {

constexpr std::size_t usual_buffer = 8_KiB;

std::size_t buffer_bytes(int size) {
  return size < 0 ? usual_buffer : static_cast<std::size_t>(size);
}

}  // namespace

void detail::call_handler(base_request_handler& made, request& asked, const address& client,
                          base_server* server) {
  made.request_ = &asked;
  made.client_address_ = &client;
  made.server_ = server;
  made.setup();
  try {
    made.handle();
  } catch (...) {
    made.finish();
    throw;
  }
  made.finish();
}

base_server& base_request_handler::server() const {
  if (server_ != nullptr) return *server_;
  throw std::logic_error("server(): this handler runs in a service, which is no socketserver");
}

base_request_handler::~base_request_handler() = default;
stream_request_handler::~stream_request_handler() = default;
datagram_request_handler::~datagram_request_handler() = default;

void stream_request_handler::setup() {
  if (timeout) connection().settimeout(timeout);
  if (disable_nagle_algorithm) connection().set_nodelay();
  rfile_.emplace(connection(), buffer_bytes(rbufsize));
  wfile_.emplace(connection(), buffer_bytes(wbufsize));
}

void stream_request_handler::finish() {
  try {
    wfile().flush();
  } catch (const std::system_error&) {
    // The peer has gone; there is nobody to tell.
  }
}

void datagram_request_handler::setup() { rfile_.emplace(packet()); }

void datagram_request_handler::finish() { socket().sendto(wfile_.collected(), client_address()); }

}  // namespace cetane::socketserver
