#pragma once

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace cetane::detail {

class service_core;

/// How far a stop has gone: see stop_sequence.
enum class stop_step : std::uint8_t { none, idle_handlers_end, all_handlers_end, at_once };

/// Serves the connections of a service outside its loop. It tells the service of the begin and the
/// end of each.
class connection_runner {
 public:
  /// Ends all that still run, and waits for them.
  virtual ~connection_runner() = default;

  /// Takes over a socket that no loop has watched yet.
  virtual void serve(unique_fd socket, const address& peer) = 0;
  virtual std::size_t running() const noexcept = 0;
  virtual void tell(stop_step step) noexcept = 0;
};

/// One connection that is served on a thread of its own.
class outside_session {
 public:
  virtual ~outside_session() = default;

  /// Serves the connection until its end.
  virtual void run(unique_fd socket, const address& peer) = 0;

  /// From any thread, from before run() begins until after it has ended.
  virtual void tell(stop_step step) noexcept = 0;
};

/// Makes one on the thread where it shall run.
using session_factory = std::function<std::unique_ptr<outside_session>()>;

std::unique_ptr<connection_runner> make_process_runner(service_core& of);
std::unique_ptr<connection_runner> make_thread_runner(service_core& of, session_factory make);

}  // namespace cetane::detail
