// What becomes of a request whose handler throws. As in Python there are two kinds: errors, which
// handle_error() is told of, and requests to end, which it is not: exit_request, the library's own
// cancelled, and what glibc unwinds a cancelled thread with, which must not be swallowed. The last
// is no C++ exception, so it is caught by `...` only, and there is no exception_ptr of it.
#include <cetane/socketserver/base_server.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <exception>

namespace cetane::socketserver {
namespace {

const log::logger outcome_log("socketserver");

bool is_end(const std::exception_ptr& failure) {
  if (failure == nullptr) return true;
  try {
    std::rethrow_exception(failure);
  } catch (const exit_request&) {
    return true;
  } catch (const cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

void base_server::process_or_handle_error(request& asked, const address& client) {
  try {
    process_request(asked, client);
  } catch (...) {
    const std::exception_ptr failure = std::current_exception();
    try {
      if (is_end(failure)) throw;
      handle_error(asked, client, failure);
    } catch (...) {
      shutdown_request(asked);
      throw;
    }
    shutdown_request(asked);
  }
}

int base_server::serve_alone(request& asked, const address& client) {
  int status = 1;
  try {
    finish_request(asked, client);
    status = 0;
  } catch (...) {
    const std::exception_ptr failure = std::current_exception();
    if (failure == nullptr) {
      shutdown_request(asked);
      throw;
    }
    if (!is_end(failure)) report(asked, client, failure);
  }
  shutdown_request(asked);
  return status;
}

// There is nobody to tell when handle_error() fails itself.
void base_server::report(request& asked, const address& client, std::exception_ptr failure) {
  try {
    handle_error(asked, client, failure);
  } catch (const std::exception& e) {
    outcome_log.error("handle_error for {} failed: {}", client, e.what());
  } catch (...) {
    if (std::current_exception() == nullptr) throw;
    outcome_log.error("handle_error for {} failed", client);
  }
}

}  // namespace cetane::socketserver
