#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/socketserver/base_request_handler.hpp>
#include <cetane/socketserver/endpoint.hpp>
#include <cetane/socketserver/errors.hpp>
#include <cetane/socketserver/request.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

namespace cetane::socketserver {

template <std::derived_from<base_server> Server>
class live;

/// What all servers share: the loop, and the hooks that it calls in the order in which Python's
/// does. One request takes
///
///     get_request, verify_request, process_request [finish_request: the handler's setup, handle,
///     finish], handle_error if that threw, shutdown_request, close_request
///
/// and each of them may be overridden. A server is made as `live<my_server>`, which binds it when
/// its constructors have run, and closes it before its destructors do.
///
/// The loop runs on one thread at a time. shutdown() and request_shutdown() may come from any
/// other; everything else belongs to the loop's thread, or to times when no loop runs.
class CETANE_API base_server {
 public:
  // Python's class attributes: set them in your constructor, or later where they count later.

  cetane::address_family address_family;
  int socket_type;
  int request_queue_size = 5;        ///< connections that wait to be accepted
  bool allow_reuse_address = false;  ///< take a port that old connections still linger on
  bool allow_reuse_port = false;     ///< let several servers share a port
  std::optional<duration> timeout;   ///< for handle_request() only

  base_server(const base_server&) = delete;
  base_server& operator=(const base_server&) = delete;
  virtual ~base_server();

  // Serving.

  /// Serves until shutdown(). A loop that has ended, by an exception too, may be started again.
  ///
  /// @param poll_interval  How often service_actions() is called when nothing comes. It delays
  /// neither requests nor the end.
  /// @throws std::logic_error  The server is closed, or its loop runs already.
  /// @throws ...               What a hook throws, save what goes to handle_error().
  void serve_forever(any_duration poll_interval = std::chrono::milliseconds(500));

  /// Serves one request, or calls handle_timeout() when none comes within `timeout`. Heeds no
  /// shutdown().
  /// @throws std::logic_error  The server is closed.
  /// @throws ...               As serve_forever().
  void handle_request();

  /// Ends the loop and waits until it has ended; the request it is at is finished. If no loop has
  /// run yet, waits for one to begin, which ends at once. If the last one has ended, returns.
  /// @throws would_deadlock  The loop, or handle_request(), is this thread's own, or that of the
  /// parent process.
  void shutdown();

  /// Ends the loop, or the next one if none runs, without waiting. For signal handlers too.
  void request_shutdown() noexcept;

  /// The listening socket's descriptor; -1 when it is closed.
  [[nodiscard]] int fileno() const noexcept;
  /// Where the server is; before server_bind(), where it shall be.
  [[nodiscard]] const address& server_address() const noexcept { return server_address_; }

  // Hooks.

  /// Binds the socket and notes its address.
  virtual void server_bind();
  virtual void server_activate() {}
  /// Closes the socket; a second call does nothing. A loop on another thread is ended first. The
  /// file of a Unix socket stays.
  virtual void server_close();
  /// Called by the loop after each request and at each interval without one.
  virtual void service_actions() {}
  virtual void handle_timeout() {}
  /// Takes the next request, without waiting. A std::system_error is no more than "not now".
  virtual incoming get_request() = 0;
  /// False drops the request. What it throws leaves the loop.
  virtual bool verify_request(request& asked, const address& client);
  virtual void process_request(request& asked, const address& client);
  /// Makes a handler and calls it.
  virtual void finish_request(request& asked, const address& client);
  virtual void shutdown_request(request& asked);
  virtual void close_request(request& asked);
  /// Called with what process_request() threw; logs it.
  virtual void handle_error(request& asked, const address& client, std::exception_ptr failure);

 protected:
  base_server(endpoint where, handler_factory make, int type);

  // For the parts of this component.

  /// False while the server can take no more; the loop then leaves its listener alone.
  virtual bool accepting() { return true; }
  /// Adds descriptors whose readiness means that accepting() may have changed.
  virtual void add_descriptors(std::vector<int>& out) const { static_cast<void>(out); }
  /// Waits for all handlers that still use this object.
  virtual void wait_for_handlers() noexcept {}

  /// Lets the loop look around. From any thread.
  void wake() noexcept;
  /// The whole of a request that has a thread or a process of its own; returns 0 if it went well.
  int serve_alone(request& asked, const address& client);
  [[nodiscard]] const std::shared_ptr<blocking_socket>& socket() const noexcept { return socket_; }

 private:
  template <std::derived_from<base_server> Server>
  friend class live;
  class loop_state;
  class loop_scope;

  void open(bool bind_and_activate);
  void open_socket();
  void close_for_good() noexcept;
  void require_open(const char* tried) const;
  bool wait(time_point until);
  void serve_one();
  void process_or_handle_error(request& asked, const address& client);
  void report(request& asked, const address& client, std::exception_ptr failure);

  endpoint where_;
  handler_factory make_;
  address server_address_;
  std::shared_ptr<blocking_socket> socket_;
  std::unique_ptr<loop_state> loop_;
};

}  // namespace cetane::socketserver
