#include <cetane/app/client.hpp>

#include <net/quiet.hpp>

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <cassert>
#include <stdexcept>
#include <string>

namespace cetane {

/// What a client and its call have in common: whichever lives longer keeps it.
struct detail::client_state {
  explicit client_state(connection made) noexcept : server(std::move(made)) {}

  std::string tried(std::string_view name) const {
    return fmt::format("{} on {}", name, server.remote());
  }

  connection server;
  std::string under_way;  // the name of the call
  bool busy = false;
};

client::client(connection made) : state_(std::make_shared<detail::client_state>(std::move(made))) {
  if (!state_->server) throw std::logic_error("a client needs a connection, and this one is empty");
}

void client::close() noexcept {
  if (state_ != nullptr) state_->server.close();
}

bool client::is_closed() const { return state().server.is_closed(); }

bool client::is_idle() const {
  detail::client_state& now = state();
  return !now.busy && detail::is_quiet(now.server);
}

const address& client::remote() const { return state().server.remote(); }

detail::client_state& client::state() const {
  if (state_ == nullptr) throw std::logic_error("this client is empty: it was moved from");
  return *state_;
}

client::call::call(client& of, std::string_view name) {
  detail::client_state& state = of.state();
  if (state.busy) throw client_busy(state.tried(name), state.under_way);
  if (state.server.is_closed()) {
    throw connection_closed(fmt::format("{} on", name), state.server.remote().to_string(), {},
                            errc::closed_here);
  }
  state.under_way = name;
  state.busy = true;
  state_ = of.state_;
}

client::call::~call() {
  if (state_ == nullptr) return;
  state_->server.close();
  done();
}

connection& client::call::operator*() const noexcept {
  assert(state_ != nullptr && "a call uses its client's connection before it is done");
  return state_->server;
}

void client::call::done() noexcept {
  if (const auto of = std::exchange(state_, nullptr)) of->busy = false;
}

}  // namespace cetane
