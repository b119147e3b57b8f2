#pragma once

#include <cetane/net/connection.hpp>

namespace cetane::detail {

/// Whether a connection that nobody uses can be used again: it is open, the peer is there, and
/// nothing has come that nobody has asked for.
inline bool is_quiet(connection& idle) {
  if (idle.is_closed()) return false;
  const closed_wait left(idle.closed());
  read_wait<chunk> input(idle.receive_some());
  return !left.poll() && !input.poll();
}

}  // namespace cetane::detail
