#include <app/service_core.hpp>

#include <os/descriptor_limit.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger logger("service");

// All but a few of the descriptors that there may be: those few are for the loop, files and
// outgoing connections. When there are hardly any, half of them.
std::size_t most_connections() noexcept {
  const std::size_t descriptors = os::raise_descriptor_limit();
  return std::max(descriptors / 2, descriptors - std::min(descriptors, descriptors_kept_free));
}

}  // namespace

service_core::service_core(std::unique_ptr<bound_handler> handler, std::string host,
                           std::uint16_t port)
    : handler_(std::move(handler)), host_(std::move(host)), port_(port) {}

service_core::service_core(std::unique_ptr<bound_handler> handler, const address& path)
    : handler_(std::move(handler)), bound_(path) {}

service_core::~service_core() = default;

address service_core::where() const {
  if (bound_.is_unix()) return bound_;
  if (const std::optional<address> numeric = address::parse_ip(host_, port_)) return *numeric;
  throw error(error::whole_text("cannot listen on " + host_ + ": this is no IP address"),
              system_code(EINVAL));
}

void service_core::start(event_loop& loop, cancel_scope& parent) {
  if (loop_ != nullptr) throw std::logic_error("this service was started before");
  const address at = where();
  most_sessions_ = limits_.max_connections != 0 ? limits_.max_connections : most_connections();
  loop_ = &loop;
  forks_.emplace(&parent);
  forks_->be_home();
  handlers_.emplace(&*forks_, cancel_scope::shield::yes);

  listener_.emplace(loop, *this);
  listen_request request;
  request.backlog = limits_.backlog;
  if (const int failed = listener_->open(at, request, limits_.accepts_per_wake_up); failed < 0) {
    throw error("cannot listen on " + at.to_string(), system_code(failed));
  }
  bound_ = listener_->bound();
  // Accepted connections inherit it, which costs less than to set it on each.
  if (!bound_.is_unix()) loop.io().set_keepalive(listener_->descriptor);
}

void service_core::stop_listening() noexcept { listener_.reset(); }

bool service_core::has_room() noexcept { return sessions_ < most_sessions_; }

void service_core::on_accept(int descriptor, const address& peer) noexcept {
  try {
    begin_session(descriptor, peer);
  } catch (const std::exception& e) {
    logger.error("{}: cannot serve {}: {}", name_, peer, e.what());
  } catch (...) {
    logger.error("{}: cannot serve {}", name_, peer);
  }
}

void service_core::begin_session(int descriptor, const address& peer) {
  std::unique_ptr<session> fresh;
  try {
    fresh = std::make_unique<session>(*this);
  } catch (...) {
    loop_->io().close(descriptor, false);
    throw;
  }
  if (const int failed = fresh->open(descriptor, peer); failed < 0) {
    throw error("watch a connection", system_code(failed));
  }
  session& begun = *fresh.release();  // from here on it ends by itself
  ++handlers_running_;
  try {
    loop_->start(begun, handler_->call(begun.peer_handle()).release(), *handlers_);
  } catch (...) {
    begun.end_handler();
    throw;
  }
}

void service_core::session_begins() noexcept {
  keep();
  ++sessions_;
}

void service_core::session_ends() noexcept {
  if (sessions_-- >= most_sessions_ && listener_) listener_->resume();
  release();
}

void service_core::handler_ends(session& of) noexcept {
  --handlers_running_;
  ended_.push_back(of);
}

}  // namespace cetane::detail
