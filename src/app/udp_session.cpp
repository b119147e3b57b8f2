#include <app/udp_session.hpp>

#include <app/udp_session_core.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/this_task.hpp>

#include <new>

namespace cetane::detail {
namespace {

const log::logger talk_log("service");

}  // namespace

udp_session::udp_session(udp_session_core& of, const address& peer) noexcept
    : datagram_link(peer), service_(of), heard_(of.loop().now()) {
  service_.keep();
}

udp_session::~udp_session() {
  released_ = true;  // its own udp_peer goes with it
  end();             // for a task that it has forked, and that waits here still
  service_.release();
}

void udp_session::begin() {
  if (!service_.takes_sessions()) [[unlikely]]
    ++service_.loop().counters().late_handlers;
  if (!handle_) handle_ = udp_peer(*this);
  const std::coroutine_handle<> made = service_.handler().call(handle_).release();
  handler_runs_ = true;
  service_.loop().start(*this, made, service_.handlers());
}

datagram_port& udp_session::port() noexcept { return service_.port(); }

bool udp_session::take(const arrived_datagram& what) noexcept {
  heard_ = service_.loop().now();
  const udp_limits& limits = service_.limits().udp;
  const bool room =
      size() < limits.waiting_datagrams && bytes() + what.bytes.size() <= limits.waiting_bytes;
  if (!room || is_closed()) return false;
  try {
    put(what);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// While one waits to be heard, others say nothing new.
void udp_session::take_undelivered(int error) noexcept {
  if (told_ || is_closed()) return;
  try {
    put_undelivered(error);
    told_ = true;
  } catch (const std::bad_alloc&) {
    // nobody relies on such notes
  }
}

void udp_session::on_taken(std::size_t bytes) noexcept {
  service_.taken(bytes);
  if (is_empty()) told_ = false;
}

// Asked for when somebody waits only: a handler that is at work is not interrupted.
void udp_session::on_wait() noexcept {
  if (service_.idle_limit() == duration::zero()) return;
  service_.loop().arm(*this, deadline_after(heard_, service_.idle_limit()));
}

void udp_session::tell_silence() noexcept {
  if (!is_awaited() || !is_empty()) return;
  const time_point limit = deadline_after(heard_, service_.idle_limit());
  if (service_.loop().now() < limit) return service_.loop().arm(*this, limit);
  try {
    put_silence();
  } catch (const std::bad_alloc&) {
    service_.loop().arm(*this, deadline_after(service_.loop().now(), service_.idle_limit()));
  }
}

void udp_session::throw_silence() const {
  throw timed_out("receive from " + remote_.to_string(), service_.idle_limit());
}

std::string udp_session::label() const {
  return service_.name().empty() ? function_label(root) : service_.name();
}

void udp_session::on_finished() noexcept {
  const bool whole = static_cast<bool>(root);
  if (whole) {
    const auto frame = task<>::handle_type::from_address(root.address());
    if (const std::exception_ptr error = frame.promise().result.error()) report(error);
    root = nullptr;
    frame.destroy();
  }
  disarm();
  handler_runs_ = false;
  const bool kept = !handle_;  // it was moved away
  if (whole && !kept && begins_again()) return;
  service_.handler_ends(*this);
  if (kept && !released_) return end();
  released_ = true;
  handle_ = udp_peer();
  delete this;
}

// What nobody has received begins a session of its own: nothing is lost between two requests that
// come at once.
bool udp_session::begins_again() noexcept {
  if (is_empty() || is_closed() || !service_.takes_sessions()) return false;
  if (cancel_state != cancel_reason::none) return false;
  try {
    begin();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void udp_session::release() noexcept {
  if (released_) return;
  released_ = true;
  end();
  if (!handler_runs_) delete this;
}

void udp_session::report(std::exception_ptr error) noexcept {
  try {
    if (is_own_end(error)) return;
  } catch (const std::bad_alloc&) {
    return;  // no memory for the line
  }
  report_unhandled(*this, error);
}

// Its peer's silence, or its absence, is how a handler ends that receives until there is no more.
bool udp_session::is_own_end(std::exception_ptr error) const {
  const std::string own = "receive from " + remote_.to_string();
  try {
    std::rethrow_exception(error);
  } catch (const cetane::error& e) {
    if (!std::string_view(e.what()).starts_with(own)) return false;
    talk_log.debug("{}: {}", label(), e.what());
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace cetane::detail
