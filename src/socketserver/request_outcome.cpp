// What becomes of a request whose handler throws. As in Python there are two kinds: errors, which
// handle_error() is told of, and requests to end, which it is not: exit_request, the library's own
// cancelled, and what glibc unwinds a cancelled thread with, which must not be swallowed.
#include <cetane/socketserver/base_server.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cxxabi.h>

namespace cetane::socketserver {
namespace {

const log::logger outcome_log("socketserver");

}  // namespace

void base_server::process_or_handle_error(request& asked, const address& client) {
  try {
    process_request(asked, client);
  } catch (const exit_request&) {
    shutdown_request(asked);
    throw;
  } catch (const cancelled&) {
    shutdown_request(asked);
    throw;
  } catch (abi::__forced_unwind&) {
    shutdown_request(asked);
    throw;
  } catch (...) {
    try {
      handle_error(asked, client, std::current_exception());
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
    try {
      finish_request(asked, client);
      status = 0;
    } catch (const exit_request&) {
    } catch (const cancelled&) {
    } catch (abi::__forced_unwind&) {
      throw;
    } catch (...) {
      handle_error(asked, client, std::current_exception());
    }
    shutdown_request(asked);
  } catch (abi::__forced_unwind&) {
    close_request(asked);
    throw;
  } catch (const std::exception& e) {
    outcome_log.error("handle_error for {} failed: {}", client, e.what());
    close_request(asked);
  } catch (...) {
    outcome_log.error("handle_error for {} failed", client);
    close_request(asked);
  }
  return status;
}

}  // namespace cetane::socketserver
