#pragma once

#include <cetane/base/config.hpp>

#include <stdexcept>

namespace cetane::socketserver {

/// Thrown by a handler that wants to end, not to fail; what SystemExit is in Python. Never given to
/// handle_error(). A server without threads and processes lets it out of its loop; it ends just the
/// thread, or the child process with status 1, that it is thrown in.
///
/// No std::exception, so that a handler which catches every error does not swallow it.
struct CETANE_API exit_request {};

/// A call that would wait for its own thread for ever.
class CETANE_API would_deadlock : public std::logic_error {
 public:
  using std::logic_error::logic_error;
  ~would_deadlock() override;
};

}  // namespace cetane::socketserver
