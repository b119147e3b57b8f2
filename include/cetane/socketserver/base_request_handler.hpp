#pragma once

#include <cetane/base/config.hpp>
#include <cetane/socketserver/request.hpp>

#include <functional>
#include <memory>

namespace cetane::socketserver {

class base_server;
class base_request_handler;

namespace detail {
/// Calls a handler for a request: setup(), handle(), finish().
CETANE_API void call_handler(base_request_handler& made, request& asked, const address& client,
                             base_server* server);
}  // namespace detail

/// What is done for one request: the server makes an object for each, and calls setup(), handle()
/// and finish() on the thread, or in the process, that serves it.
///
/// An exception goes to the server's handle_error().
class CETANE_API base_request_handler {
 public:
  base_request_handler() = default;
  base_request_handler(const base_request_handler&) = delete;
  base_request_handler& operator=(const base_request_handler&) = delete;
  virtual ~base_request_handler();

  virtual void setup() {}
  virtual void handle() {}
  /// Runs when setup() has returned, whatever handle() did. What it throws replaces what handle()
  /// threw.
  virtual void finish() {}

 protected:
  [[nodiscard]] socketserver::request& request() const noexcept { return *request_; }
  [[nodiscard]] const address& client_address() const noexcept { return *client_address_; }
  /// @throws std::logic_error  There is none: a service runs the handler, see offload().
  [[nodiscard]] base_server& server() const;
  /// Set when a threading server closes with `on_close::abort_then_join`.
  [[nodiscard]] const std::stop_token& stop() const noexcept { return request_->stop(); }

 private:
  friend void detail::call_handler(base_request_handler& made, socketserver::request& asked,
                                   const address& client, base_server* server);

  socketserver::request* request_ = nullptr;
  const address* client_address_ = nullptr;
  base_server* server_ = nullptr;
};

/// Makes a handler for each request, maybe on several threads at once.
using handler_factory = std::function<std::unique_ptr<base_request_handler>()>;

/// A factory for handlers that are made from nothing: `handler<echo>`. Others come from a function:
/// `[&room] { return std::make_unique<chat>(room); }`.
template <std::derived_from<base_request_handler> Handler>
inline constexpr auto handler =
    []() -> std::unique_ptr<base_request_handler> { return std::make_unique<Handler>(); };

}  // namespace cetane::socketserver
