#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/socketserver/base_request_handler.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace cetane {

/// Handlers of a socketserver for a service: made by offload().
class offloaded_handler {
 public:
  offloaded_handler(socketserver::handler_factory make, std::size_t max_threads)
      : make_(std::move(make)), max_threads_(max_threads) {}

  [[nodiscard]] const socketserver::handler_factory& factory() const noexcept { return make_; }
  [[nodiscard]] std::size_t max_threads() const noexcept { return max_threads_; }

 private:
  socketserver::handler_factory make_;
  std::size_t max_threads_;
};

/// Runs a blocking handler in a coroutine application: `service(offload<echo>(), 8013)`.
///
/// Each connection gets a handler and a thread, which is why there is no handler without a limit:
/// beyond it connections wait to be accepted. Handlers run at the same time. server() throws there.
/// An exception is logged, and ends its connection. When the service stops, the handler's stop() is
/// set at once, and after the drain limit its connection is broken.
///
/// @param max_threads  So many handlers at a time.
template <std::derived_from<socketserver::base_request_handler> Handler>
offloaded_handler offload(std::size_t max_threads = default_server_threads) {
  return offloaded_handler(socketserver::handler<Handler>, max_threads);
}

/// The same for handlers that are not made from nothing.
inline offloaded_handler offload(socketserver::handler_factory make,
                                 std::size_t max_threads = default_server_threads) {
  return offloaded_handler(std::move(make), max_threads);
}

}  // namespace cetane
