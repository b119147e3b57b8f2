#pragma once

#include <net/stream.hpp>

#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/connection.hpp>

#include <exception>
#include <string>
#include <utility>

namespace cetane::detail {

class service_core;

/// A connection of a service and the task of its handler, in one piece of memory.
///
/// The two parts end one after the other: the connection goes on until what the handler sent is
/// flushed, and it outlives the handler further if that has moved it away; a connection that was
/// moved away may also end first. The object lives until both have ended.
class session final : public stream, public task_context, public pooled {
 public:
  explicit session(service_core& of) noexcept;
  ~session() override;

  /// The connection as the handler is given it.
  connection& peer_handle() noexcept { return peer_; }

  /// Takes over an accepted socket: 0, or a negative errno value.
  int open(int accepted, const address& from);

  /// The handler has ended, or could not be called: closes the connection. May destroy this object.
  void end_handler() noexcept;

  /// Resets the connection if it is there still. May destroy this object.
  void end_now() noexcept;

  /// Notes that the conversation was cut short; false if that was known.
  bool note_cut() noexcept { return !std::exchange(cut_, true); }

  std::string label() const override;
  std::string peer() const override;
  void on_finished() noexcept override;

 private:
  void dispose() noexcept override;
  void report(std::exception_ptr error) noexcept;
  bool is_own_end(std::exception_ptr error) const;

  service_core& service_;
  connection peer_;
  bool handler_ended_ = false;
  bool connection_ended_ = false;
  bool cut_ = false;
};

}  // namespace cetane::detail
