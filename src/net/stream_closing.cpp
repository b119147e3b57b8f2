// How a connection comes to its end; the phases are told at class stream.
#include <net/stream.hpp>
#include <net/stream_extras.hpp>

#include <cetane/base/log.hpp>

#include <cerrno>
#include <new>
#include <utility>

namespace cetane::detail {

stream::stream(event_loop& loop, const connection_limits& limits) noexcept : loop_(loop), limits_(&limits) {}

stream::~stream() {
  io_blocks& block = blocks();
  if (block.feeding == this) block.feeding = nullptr;
  leave_stage();
}

int stream::open(int descriptor, const address& peer) {
  this->descriptor = descriptor;
  try {
    if (peer.family() == address_family::ipv4) {
      remember_ipv4(peer);
    } else {
      extras().remote = peer;
    }
    if (const int failed = io().watch(*this, !peer.is_unix()); failed < 0) {
      io().close(descriptor, false);
      return failed;
    }
  } catch (const std::bad_alloc&) {
    io().close(descriptor, false);
    return -ENOMEM;
  }
  phase_ = phase::open;
  ++loop_.counters().connections_opened;
  io().set_reading(*this, true);
  return 0;
}

void stream::close() noexcept {
  if (phase_ != phase::open) return;
  phase_ = phase::flushing;
  if (task_context* const task = std::exchange(reader_, nullptr)) {
    request_ = nullptr;
    loop_.make_ready(*task);
  }
  notify_closed();
  if (blocks().staging == this) flush_staged();  // may end it all
  if (phase_ != phase::flushing) return;
  if (output_) {
    wake_writer();
    arm_closing(limits_->close_stall);
  } else {
    begin_linger();
  }
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

// Everything is written. If the peer has ended its output there is nothing that an early close could destroy.
void stream::begin_linger() noexcept {
  extras_ ? extras_->idle.disarm() : void();
  if (!end_sent_) {
    end_sent_ = true;
    io().shutdown_write(*this);
  }
  if (input_ended_ || output_error_ != 0) return finish_close(false);
  window_.reset();
  phase_ = phase::lingering;
  update_reading();
  arm_closing(limits_->close_linger);
}

// The wait for input to drop is there so that a reset does not overtake our last bytes. The peer's system has them: it may end.
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
  if (extras_) {
    extras_->closing.disarm();
    extras_->idle.disarm();
    extras_->unlink();
  }
  leave_stage();
  if (output_) {
    loop_.counters().bytes_dropped += output_->bytes();
    wake_writer();
    output_.reset();
  }
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
  if (error != 0 && output_error_ == 0) {
    break_output(error);  // may end it all
    if (phase_ == phase::closed) return;
  }
  notify_closed();
}

void stream::notify_closed() noexcept {
  if (!extras_) return;
  while (closed_op::awaiter* const waiter = extras_->closed_list.pop_front()) {
    loop_.make_ready(*waiter->task_);
  }
}

closed_by_peer stream::how_peer_left() const noexcept {
  const bool orderly = input_error_ == 0 && output_error_ == 0;
  return orderly ? closed_by_peer::end_of_input : closed_by_peer::reset;
}

void stream::on_idle_timer() noexcept {
  const time_point due = deadline_after(extras_->last_activity, extras_->idle_span);
  if (loop_.now() < due) return loop_.arm(extras_->idle, due);
  extras_->abort_reason = "idle for " + duration_text(extras_->idle_span);
  close();
}

void stream::touch() noexcept {
  if (extras_->idle.armed()) extras_->last_activity = loop_.now();
  if (phase_ == phase::flushing) arm_closing(limits_->close_stall);  // it takes something: go on
}

}  // namespace cetane::detail

namespace cetane {

bool closed_op::awaiter::await_ready() const noexcept {
  return !stream_.is_open() || stream_.peer_has_left();
}

void closed_op::awaiter::begin(std::coroutine_handle<> frame, detail::task_context& task) {
  task_ = &task;
  stream_.closed_waiters_list().push_back(*this);
  task.suspend(frame, *this);
}

closed_by_peer closed_op::awaiter::await_resume() const {
  if (stream_.is_open() && !stream_.peer_has_left() && task_ != nullptr) throw_cancelled(*task_);
  return stream_.how_peer_left();
}

void closed_op::awaiter::cancel_wait(detail::task_context& task) noexcept {
  unlink();
  task.loop->make_ready(task);
}

std::string closed_op::awaiter::describe_wait() const { return "the end of " + stream_.peer_text(); }

}  // namespace cetane
