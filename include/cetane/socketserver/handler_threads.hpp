#pragma once

#include <cetane/socketserver/request.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace cetane::socketserver {

/// What server_close() does with handlers that still run in threads.
enum class on_close : std::uint8_t {
  join,             ///< waits for them, however long a peer keeps them waiting
  abort_then_join,  ///< breaks their connections and sets stop(), then waits for them
  detach,           ///< returns; the destructor of the server waits for them
};

namespace detail {

/// The threads of a threading server.
class CETANE_API handler_threads {
 public:
  /// @param room_again  Called, on a handler's thread, when has_room() was false and is true again.
  explicit handler_threads(std::function<void()> room_again);
  handler_threads(const handler_threads&) = delete;
  handler_threads& operator=(const handler_threads&) = delete;
  ~handler_threads();

  /// Runs `serve` on a new thread, with its own copy of the request.
  /// @throws std::system_error  There can be no more threads.
  void start(const request& asked, std::function<void(request&)> serve);
  /// Joins threads that have ended.
  void reap();
  void close(on_close policy);
  /// @throws would_deadlock  close() with this policy would wait for this thread.
  void refuse_own_thread(on_close policy) const;

  bool has_room(std::size_t most) noexcept;
  std::size_t live() const noexcept;
  std::size_t tracked() const noexcept;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace detail
}  // namespace cetane::socketserver
