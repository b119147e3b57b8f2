#pragma once

#include <app/connection_runner.hpp>

#include <cetane/socketserver/base_request_handler.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>

namespace cetane::detail {

/// A handler of a socketserver for one connection of a service.
class blocking_session final : public outside_session {
 public:
  explicit blocking_session(const socketserver::handler_factory& make) noexcept : make_(make) {}

  void run(unique_fd socket, const address& peer) override;
  void tell(stop_step step) noexcept override;

 private:
  void open(unique_fd socket);
  void serve(const address& peer);

  const socketserver::handler_factory& make_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::shared_ptr<socketserver::blocking_socket> socket_;  // of the connection, once there is one
  bool broken_ = false;
};

}  // namespace cetane::detail
