#pragma once

#include <cetane/socketserver/blocking_socket.hpp>

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

namespace cetane::socketserver {

/// What a client asks: a connection, or a datagram. Copies share the socket.
class request {
 public:
  explicit request(std::shared_ptr<blocking_socket> connection) : socket_(std::move(connection)) {}
  request(std::string packet, std::shared_ptr<blocking_socket> server_socket)
      : socket_(std::move(server_socket)), data_(std::move(packet)), is_datagram_(true) {}

  [[nodiscard]] bool is_datagram() const noexcept { return is_datagram_; }
  /// The connection, or the server's own socket to send a reply from.
  [[nodiscard]] blocking_socket& socket() const noexcept { return *socket_; }
  /// What the datagram holds.
  [[nodiscard]] const std::string& data() const noexcept { return data_; }

  /// Set by a server that wants its handlers to end.
  [[nodiscard]] const std::stop_token& stop() const noexcept { return stop_; }
  void set_stop(std::stop_token stop) noexcept { stop_ = std::move(stop); }

 private:
  std::shared_ptr<blocking_socket> socket_;
  std::string data_;
  bool is_datagram_ = false;
  std::stop_token stop_;
};

/// A request with the one who sent it.
struct incoming {
  socketserver::request request;
  address client_address;
};

}  // namespace cetane::socketserver
