#include <cetane/socketserver/base_server.hpp>

#include "os/fork_hook.hpp"
#include "os/port_holder.hpp"
#include "os/socket.hpp"
#include "socketserver/loop_state.hpp"
#include "socketserver/socket_calls.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>

namespace cetane::socketserver {
namespace {

const log::logger server_log("socketserver");

// Says who has the port, and what helps.
std::string bind_text(const address& where, int why) {
  std::string text = fmt::format("bind {}: {}", where, reason_text(system_code(why)));
  if (why != -EADDRINUSE) return text;
  if (const auto holder = os::find_port_holder(where)) {
    text += fmt::format(" (held by pid {} \"{}\")", holder->pid, holder->name);
  }
  return text + (where.is_unix() ? "; remove the file if its server is gone"
                                 : "; take port 0 for any free one, or set allow_reuse_address if "
                                   "only old connections hold it");
}

}  // namespace

base_server::base_server(endpoint where, handler_factory make, int type)
    : address_family(cetane::address_family::ipv4),
      socket_type(type),
      where_(std::move(where)),
      make_(std::move(make)),
      loop_(std::make_unique<loop_state>()) {}

base_server::~base_server() = default;

// Opening and closing.

void base_server::open(bool bind_and_activate) {
  using enum cetane::address_family;
  server_address_ = where_.resolve(address_family);
  if (server_address_.is_unix() != (address_family == unix_socket)) {
    throw std::invalid_argument(fmt::format(
        "serve {}: this server takes {}", server_address_,
        address_family == unix_socket ? "the path of a Unix socket" : "a host and a port"));
  }
  open_socket();
  if (!bind_and_activate) return;
  try {
    server_bind();
    server_activate();
  } catch (...) {
    server_close();
    throw;
  }
}

void base_server::open_socket() {
  unique_fd fd;
  const os::forks_held_back until_it_has_an_owner;
  const int failed = detail::open_socket(server_address_.family(), socket_type, fd);
  if (failed < 0) throw error(fmt::format("serve {}", server_address_), system_code(failed));
  socket_ = std::make_shared<blocking_socket>(std::move(fd));
}

void base_server::server_bind() {
  require_open("server_bind");
  int failed = allow_reuse_address ? detail::reuse_address(fileno()) : 0;
  if (failed == 0 && allow_reuse_port) failed = detail::reuse_port(fileno());
  if (failed == 0) failed = detail::bind_to(fileno(), server_address_);
  if (failed < 0) {
    throw error(error::whole_text(bind_text(server_address_, failed)), system_code(failed));
  }
  server_address_ = socket_->getsockname();
}

void base_server::server_close() {
  // The number of a descriptor that is closed under a waiting loop may soon be another one's.
  if (loop_->serves_on_another_thread()) shutdown();
  socket_.reset();
}

void base_server::close_for_good() noexcept {
  try {
    server_close();
  } catch (const std::exception& e) {
    server_log.error("close the server of {}: {}", server_address_, e.what());
  } catch (...) {
    server_log.error("close the server of {}: failed", server_address_);
  }
  wait_for_handlers();
}

int base_server::fileno() const noexcept { return socket_ ? socket_->fileno() : -1; }

void base_server::require_open(const char* tried) const {
  if (fileno() >= 0) return;
  throw std::logic_error(fmt::format("{}: the server of {} is closed", tried, server_address_));
}

// A request.

void base_server::serve_one() {
  std::optional<incoming> got;
  try {
    got.emplace(get_request());
    loop_->accepted();
  } catch (const std::system_error& e) {
    if (loop_->rest_after(e.code())) {
      server_log.warning("accept on {}: {}; trying again ten times a second", server_address_,
                         reason_text(e.code()));
    }
    return;
  }
  bool wanted = false;
  try {
    wanted = verify_request(got->request, got->client_address);
  } catch (...) {
    shutdown_request(got->request);
    throw;
  }
  if (wanted) {
    process_or_handle_error(got->request, got->client_address);
  } else {
    shutdown_request(got->request);
  }
}

bool base_server::verify_request(request&, const address&) { return true; }

void base_server::process_request(request& asked, const address& client) {
  finish_request(asked, client);
  shutdown_request(asked);
}

void base_server::finish_request(request& asked, const address& client) {
  detail::call_handler(*make_(), asked, client, this);
}

void base_server::shutdown_request(request& asked) { close_request(asked); }

void base_server::close_request(request&) {}

void base_server::handle_error(request&, const address& client, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    server_log.error("a request from {} failed: {}", client, e.what());
  } catch (...) {
    server_log.error("a request from {} failed with something that is no std::exception", client);
  }
}

}  // namespace cetane::socketserver
