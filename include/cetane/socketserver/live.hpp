#pragma once

#include <cetane/socketserver/base_server.hpp>

#include <concepts>
#include <utility>

namespace cetane::socketserver {

/// Asks for a server that is not bound yet: call server_bind() and server_activate() later.
struct defer_bind_t {
  explicit defer_bind_t() = default;
};
inline constexpr defer_bind_t defer_bind{};

/// A server that is complete: `live<my_server> server({"localhost", 0}, handler<echo>);`
///
/// Its constructor binds and listens through the hooks that `Server` overrides, after all of
/// `Server` has been made; its destructor closes, and waits for handlers in threads, while all of
/// `Server` is still there.
template <std::derived_from<base_server> Server>
class live final : public Server {
 public:
  /// @throws error  It cannot listen there; nothing is left open.
  live(endpoint where, handler_factory make) : Server(std::move(where), std::move(make)) {
    this->open(true);
  }
  live(defer_bind_t, endpoint where, handler_factory make)
      : Server(std::move(where), std::move(make)) {
    this->open(false);
  }

  /// For servers whose constructors take something else.
  template <class... Args>
  explicit live(std::in_place_t, Args&&... args) : Server(std::forward<Args>(args)...) {
    this->open(true);
  }

  ~live() override { this->close_for_good(); }
};

}  // namespace cetane::socketserver
