// How a connection comes to its end; the phases are told at class stream.
#include <net/stream.hpp>
#include <net/stream_extras.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <cerrno>
#include <new>
#include <utility>

namespace cetane::detail {

stream::stream(event_loop& loop, const connection_limits& limits) noexcept
    : loop_(loop), limits_(&limits) {}

stream::~stream() {
  blocks().stop_feeding(*this);
  leave_stage();
}

int stream::open(int descriptor, const address& peer) {
  this->descriptor = descriptor;
  const auto fail = [&](int failed) {
    io().close(std::exchange(this->descriptor, -1), false);
    return failed;
  };
  try {
    if (peer.family() == address_family::ipv4) {
      remember_ipv4(peer);
    } else {
      extras().remote = peer;
    }
    if (peer.is_unix() && limits_->passed_descriptors != 0) begin_passing();
    if (const int failed = io().watch(*this, !peer.is_unix()); failed < 0) return fail(failed);
  } catch (const std::bad_alloc&) {
    return fail(-ENOMEM);
  }
  phase_ = phase::open;
  ++loop_.counters().connections_opened;
  update_reading();
  return 0;
}

void stream::close() noexcept {
  if (phase_ != phase::open) return;
  phase_ = phase::flushing;
  end_passing();
  note_plainness();
  blocks().stop_feeding(*this);
  if (task_context* const task = std::exchange(reader_, nullptr)) {
    request_ = nullptr;
    loop_.make_ready(*task);
  }
  notify_closed();
  if (output_) wake_writer();
  if (blocks().staging == this) loop_.flush_staged();  // may end it all
  settle();                                            // and so may this
  if (phase_ != phase::flushing) return;
  if (all_written()) return begin_linger();
  window_.reset();
  update_reading();
  arm_closing(limits_->close_stall);
}

void stream::release() noexcept {
  close();  // still owned: so this object is there when it returns
  owned_ = false;
  if (phase_ == phase::closed) {
    dispose();
  } else if (extras_ && !extras_->linked()) {
    loop_.orphans().push_back(*extras_);
  }
}

// Everything is written. If the peer has ended its output there is nothing that an early close
// could destroy. After output that was lost, an orderly end would be a lie.
void stream::begin_linger() noexcept {
  if (output_error_ != 0) return finish_close(true);
  if (extras_) extras_->idle.disarm();
  if (end_ != own_end::sent) end_output();
  if (input_ended_) return finish_close(false);
  window_.reset();
  phase_ = phase::lingering;
  update_reading();
  arm_closing(limits_->close_linger);
}

// The wait for input to drop is there so that a reset does not overtake our last bytes. The peer's
// system has them: it may end.
bool stream::end_if_delivered() noexcept {
  if (phase_ != phase::lingering) return false;
  if (is_tcp && io().unsent_bytes(*this) != 0) return false;
  finish_close(false);
  return true;
}

// Without memory for a timer there is no waiting: the connection ends here and now.
void stream::arm_closing(duration span) noexcept {
  try {
    loop_.arm(extras().closing, deadline_after(loop_.now(), span));
  } catch (const std::bad_alloc&) {
    finish_close(phase_ == phase::flushing);
  }
}

void stream::on_closing_timer() noexcept { finish_close(phase_ == phase::flushing); }

void stream::finish_close(bool reset) noexcept {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  end_passing();
  note_plainness();
  blocks().stop_feeding(*this);
  if (extras_) {
    extras_->closing.disarm();
    extras_->idle.disarm();
    extras_->unlink();
  }
  leave_stage();
  settle();
  drop_output();
  io().unwatch(*this);
  io().close(std::exchange(descriptor, -1), reset);
  ++loop_.counters().connections_closed;
  if (!owned_) dispose();
}

void stream::abort(std::string why) {
  if (phase_ == phase::closed) return;
  remote();  // while the socket still knows it
  extras().abort_reason = std::move(why);
  if (task_context* const task = std::exchange(reader_, nullptr)) {
    request_ = nullptr;
    loop_.make_ready(*task);
  }
  notify_closed();
  finish_close(true);
}

void stream::on_hang_up(int error) noexcept {
  if (phase_ == phase::flushing && error != 0) return break_output(error);  // ends it all
  if (error != 0 && output_error_ == 0) break_output(error);
  notify_closed();
}

void stream::notify_closed() noexcept {
  if (!extras_) return;
  while (closed_wait* const waiter = extras_->closed_list.pop_front()) waiter->wake();
}

closed_by_peer stream::how_peer_left() const noexcept {
  return is_broken() ? closed_by_peer::reset : closed_by_peer::end_of_input;
}

void stream::on_idle_timer() noexcept {
  const time_point due = deadline_after(extras_->last_activity, extras_->idle_span);
  if (loop_.now() < due) return loop_.arm(extras_->idle, due);
  try {
    extras_->abort_reason = "idle for " + duration_text(extras_->idle_span);
  } catch (const std::bad_alloc&) {
    // closed without a reason
  }
  close();
}

void stream::note_activity() noexcept {
  if (extras_->idle.armed()) extras_->last_activity = loop_.now();
}

// The peer takes something: a connection that is being closed has more time.
void stream::note_progress() noexcept {
  note_activity();
  if (phase_ == phase::flushing) arm_closing(limits_->close_stall);
}

void stream::note_reason(std::string_view why) noexcept {
  try {
    std::string& reason = extras().abort_reason;
    if (reason.empty()) reason = why;
  } catch (const std::bad_alloc&) {
    // the error without the reason
  }
}

std::string stream::with_abort_reason(std::string_view tried) const {
  if (!extras_ || extras_->abort_reason.empty()) return std::string(tried);
  return extras_->abort_reason + "; " + std::string(tried);
}

}  // namespace cetane::detail

namespace cetane {

// A connection that was closed on this side has no more to tell: commit() says so.
bool closed_wait::poll() const noexcept { return stream_.peer_has_left() || !stream_.is_open(); }

void closed_wait::arm() {
  if (poll()) return wake();
  stream_.closed_waiters_list().push_back(*this);
}

closed_by_peer closed_wait::commit() {
  unlink();
  if (stream_.peer_has_left()) return stream_.how_peer_left();
  stream_.throw_closed("wait for the end of");
}

std::string closed_wait::describe_wait() const { return "the end of " + stream_.peer_text(); }

}  // namespace cetane
