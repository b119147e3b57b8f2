#include <app/service_base.hpp>

#include <app/listening.hpp>
#include <os/port_holder.hpp>
#include <runtime/backend.hpp>

#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

namespace cetane::detail {

std::uint16_t checked_port(int port) {
  if (port < 0 || port > 65535) {
    throw std::invalid_argument(
        fmt::format("service: {} is no port, they go from 0 to 65535", port));
  }
  return static_cast<std::uint16_t>(port);
}

void service_base::set_inherited(os::inherited_socket socket) {
  inherited_ = std::move(socket);
  bound_ = inherited_.bound;
  is_inherited_ = true;
}

void service_base::end_now() noexcept {
  stop_listening();
  if (forks_) loop_->end_tasks(*forks_);  // the handlers' scope is within
}

void service_base::enter_scopes(event_loop& loop, cancel_scope& parent) {
  loop_ = &loop;
  forks_.emplace(&parent);
  forks_->be_home();
  handlers_.emplace(&*forks_, cancel_scope::shield::yes);
}

void service_base::leave_scopes() noexcept {
  if (handlers_) handlers_->dissolve();
  handlers_.reset();
  if (forks_) forks_->dissolve();
  forks_.reset();
  loop_ = nullptr;
}

address service_base::place(event_loop& loop) const {
  if (is_unix()) return bound_;
  const bool real = !loop.io().simulated() || address::parse_ip(host_, port_);
  return listening_place(real ? host_ : "localhost", port_);
}

void service_base::fail_listening(const address& where, int failed, bool real,
                                  const std::string& port_option) const {
  const bool taken = failed == -EADDRINUSE && real && scheme() == "tcp";
  throw cannot_listen(where, failed, port_option,
                      taken ? os::find_port_holder(where) : std::nullopt);
}

}  // namespace cetane::detail
