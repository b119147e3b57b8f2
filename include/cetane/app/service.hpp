#pragma once

#include <cetane/app/bound_handler.hpp>
#include <cetane/app/run_in.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/net/security.hpp>
#include <cetane/os/address.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace cetane {

class application;
class event_loop;
class offloaded_handler;
class service;

/// Makes a service on a Unix stream socket with a blocking handler, see offload().
CETANE_API service unix_service(offloaded_handler handler, std::string path);

namespace detail {
class service_base;
struct service_of_core;
}  // namespace detail

/// Listens, and runs a handler for each connection that comes in.
///
/// `service(handler, port, state...)` calls `handler(connection&, state&...)` as a task of its own.
/// The handler and the state are copied or moved into the service and live as long as one of its
/// handlers runs; std::ref shares an object that outlives them. When the handler ends, in whatever
/// way, what it sent is flushed and the connection is closed. An exception that ends it is logged
/// with the service's name and the peer; connection_closed of its own connection is its normal end.
///
/// An application starts the services that are added to it; start() does it on any event loop. Loop
/// thread only.
class CETANE_API service {
 public:
  /// Makes a TCP service on 127.0.0.1, see host(). Port 0 is any free port.
  ///
  /// @throws std::invalid_argument  The port is none.
  template <class Handler, class... State>
  service(Handler&& handler, int port, State&&... state)
      : service(detail::bind_handler(std::forward<Handler>(handler), std::forward<State>(state)...),
                port) {}

  /// The same with a blocking handler, see offload(); a handler on a thread runs nowhere else.
  service(offloaded_handler handler, int port);

  service(service&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  service& operator=(service&& other) noexcept {
    service taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
  }
  /// Stops listening.
  ~service();

  /// Names the service in logs, and in the application's option --NAME-port.
  service& name(std::string text) &;
  service&& name(std::string text) && { return std::move(name(std::move(text))); }

  /// Listens on this address instead of 127.0.0.1: "0.0.0.0" for all of IPv4, "::" for all.
  service& host(std::string text) &;
  service&& host(std::string text) && { return std::move(host(std::move(text))); }

  /// Lets at most `count` connections in; the others wait until one of those ends. Zero: as many as
  /// there may be descriptors, less 64.
  service& max_connections(std::size_t count) &;
  service&& max_connections(std::size_t count) && { return std::move(max_connections(count)); }

  /// Ends a conversation in which nothing came from the peer for this long: a session of datagrams,
  /// 60 s by default; a connection in which nothing went to it either, never by default.
  service& idle_timeout(any_duration span) &;
  service&& idle_timeout(any_duration span) && { return std::move(idle_timeout(span)); }

  /// Lets handlers go on this long after the application's stop, instead of for its drain limit.
  service& grace(any_duration span) &;
  service&& grace(any_duration span) && { return std::move(grace(span)); }

  /// Replaces the limits of the service, or those of its connections or of its datagrams only.
  service& limits(const service_limits& limits) &;
  service&& limits(const service_limits& limits) && { return std::move(this->limits(limits)); }
  service& limits(const connection_limits& limits) &;
  service&& limits(const connection_limits& limits) && { return std::move(this->limits(limits)); }
  service& limits(const udp_limits& limits) &;
  service&& limits(const udp_limits& limits) && { return std::move(this->limits(limits)); }

  /// Serves over TLS: `how` is a tls_context, of <cetane/tls/tls.hpp>. The handler is called when
  /// both sides have agreed; a peer with which there is no agreement is told so, and gets one line
  /// in the log.
  ///
  /// @throws std::logic_error  The handler is a blocking one, or it serves datagrams.
  service& tls(std::shared_ptr<const detail::security> how) &;
  service&& tls(std::shared_ptr<const detail::security> how) && {
    return std::move(tls(std::move(how)));
  }

  /// Serves each connection in a process, or on a thread, of its own instead of on the service's
  /// loop. The handler stays as it is, and so do limits and stops. They end with the service.
  ///
  /// @throws std::logic_error  The service was started before. From start(): the loop's network is
  ///                           simulated.
  service& run_in(const process_per_connection& where) &;
  service&& run_in(const process_per_connection& where) && { return std::move(run_in(where)); }
  service& run_in(const thread_per_connection& where) &;
  service&& run_in(const thread_per_connection& where) && { return std::move(run_in(where)); }

  /// Serves on the first event loop of an application only, however many that has: see
  /// application::workers(). The state that its handlers share may be plain objects then.
  service& on_first_loop() &;
  service&& on_first_loop() && { return std::move(on_first_loop()); }

  /// Begins to listen and to serve on this loop, which outlives the service.
  ///
  /// @throws error             It cannot listen there; says why and what helps.
  /// @throws std::logic_error  It was started before.
  void start(event_loop& loop);

  /// Stops listening. Handlers that run go on.
  void stop() noexcept;

  /// Stops listening, and ends every handler, with what it has forked, where it is: its frame is
  /// destroyed and its connection closed. For what the handlers refer to is about to go, as at the
  /// end of a test. Not from within one of those handlers.
  void end_now() noexcept;

  /// Where it listens; the port is the real one once it was started.
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] const address& listening_at() const noexcept;

  /// How many connections are open, those that only flush their output included.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  friend application;
  template <class Handler, class... State>
  friend service unix_service(Handler&& handler, std::string path, State&&... state);

  friend service unix_service(offloaded_handler handler, std::string path);
  friend detail::service_of_core;

  explicit service(detail::service_base& core) noexcept : core_(&core) {}
  service(std::unique_ptr<detail::bound_handler> handler, int port);
  service(std::unique_ptr<detail::bound_handler> handler, std::string path);

  detail::service_base* core_;
};

/// Makes a service on a Unix stream socket; "@name" is one in the abstract namespace. Otherwise as
/// service.
///
/// A file that a dead server has left there is replaced, and removed at the end.
template <class Handler, class... State>
service unix_service(Handler&& handler, std::string path, State&&... state) {
  return service(
      detail::bind_handler(std::forward<Handler>(handler), std::forward<State>(state)...),
      std::move(path));
}

}  // namespace cetane
