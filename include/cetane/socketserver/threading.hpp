#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/socketserver/base_server.hpp>
#include <cetane/socketserver/handler_threads.hpp>

#include <concepts>
#include <cstddef>
#include <vector>

namespace cetane::socketserver {

/// Serves each request of `Server` in a thread of its own: `struct chat : threading<tcp_server>`.
///
/// Hooks from process_request_thread() on, handle_error() and shutdown_request() among them, run on
/// many threads at once. Signals are blocked there. No handler outlives the server.
template <std::derived_from<base_server> Server>
class threading : public Server {
 public:
  on_close close_policy = on_close::join;
  std::size_t max_threads = default_server_threads;  ///< then nothing is accepted; 0 is no limit

  void process_request(request& asked, const address& client) override {
    threads_.start(asked, [this, client](request& own) { process_request_thread(own, client); });
  }

  virtual void process_request_thread(request& asked, const address& client) {
    this->serve_alone(asked, client);
  }

  void service_actions() override {
    Server::service_actions();
    threads_.reap();
  }

  /// Closes the listening socket, then does with the handlers what `close_policy` says.
  /// @throws would_deadlock  It would wait for the thread that calls it.
  void server_close() override {
    threads_.refuse_own_thread(close_policy);
    Server::server_close();
    threads_.close(close_policy);
  }

  /// Handlers that run now.
  [[nodiscard]] std::size_t live_threads() const noexcept { return threads_.live(); }
  /// Threads that are remembered: those that run, and some that have ended.
  [[nodiscard]] std::size_t tracked_threads() const noexcept { return threads_.tracked(); }

 protected:
  using Server::Server;

  bool accepting() override { return threads_.has_room(max_threads) && Server::accepting(); }
  void wait_for_handlers() noexcept override {
    threads_.close(on_close::join);
    Server::wait_for_handlers();
  }

 private:
  detail::handler_threads threads_{[this] { this->wake(); }};
};

}  // namespace cetane::socketserver
