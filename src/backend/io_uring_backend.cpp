// The io_uring backend.
//
// A poll is one system call: what tasks have sent, and what is to be waited for, goes to the
// kernel, and what has happened comes back. In between, work is only noted: streams and pollers
// that want something stand in `wanted_`, output in the outbox.
//
// A datagram socket has a poll that stays, for its input and for errors; what has come is received
// by a call down, as on epoll.
//
// A stream has up to three operations in flight, each a bit in io_object::in_flight: a receive, as
// long as its owner reads; a poll for the peer's end, and for a reset after that; a poll for room,
// after a write that found none. A receive stays, and takes a buffer out of the ring each time when
// there is something to receive, and not before (io_uring_input.cpp). Letters of the outbox are
// sent without waiting, so they are done when the submission returns, and the memory is free again
// (io_uring_output.cpp).
//
// The kernel knows an operation by slot, generation and kind, never by an address. unwatch() takes
// back what is in flight and waits for the answers: cancelling is a request, and what has happened
// before it counts. So an object's memory, and its descriptor, are its owner's again when
// unwatch() returns. Answers to others that come in this wait are put aside for the next poll: a
// call down makes no up-calls.
#include <backend/io_uring_backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <stdexcept>

#include <poll.h>
#include <sys/stat.h>

namespace cetane::detail {
namespace {

constexpr std::uint32_t no_slot = io_object::no_slot;
constexpr std::size_t operations_each = 3;
constexpr std::size_t operations_beside =
    uring_outbox::most_letters + uring_sizes().most_buffers + 8;

error cannot_use(const std::string& why) {
  return error(error::whole_text("cannot use io_uring: " + why + "; or use --backend epoll"),
               system_code(ENOTSUP));
}

// What a file or a folder holds is there, and so is what a device has at this moment: nobody has to
// wait for it.
bool needs_no_wait(int descriptor, mode_t kind, short events) noexcept {
  if (S_ISREG(kind) || S_ISDIR(kind)) return true;
  pollfd now{descriptor, events, 0};
  return S_ISCHR(kind) && ::poll(&now, 1, 0) == 1;
}

}  // namespace

uring_backend::uring_backend(const uring_sizes& sizes)
    : filling_(std::make_unique<uring_outbox>()), sending_(std::make_unique<uring_outbox>()) {
  if (const int failed = ring_.make(sizes); failed < 0)
    throw cannot_use(uring_trouble("io_uring_setup", failed));
  if (const int failed = buffers_.make(*ring_.get(), sizes.first_buffers, sizes.most_buffers);
      failed < 0) {
    throw cannot_use(uring_trouble("register receive buffers", failed));
  }
}

void uring_backend::in_child(std::span<const int> kept) noexcept {
  ring_.leave_to_parent();
  forget(kept);
}

uring_backend::~uring_backend() {
  flush();
  if (on_own_thread()) end_everything();
  const os::forks_held_back until_closed;
  ring_.end();
  end_wake();
}

// The ring is made by whoever makes the loop, and enabled by the thread that runs it: from then on
// the kernel takes submissions from no other.
void uring_backend::begin_on_this_thread() {
  if (owner_ != std::thread::id()) {
    throw std::logic_error(
        "an event loop on io_uring stays on the thread that first ran it; run another loop here");
  }
  if (const int failed = ring_.enable(); failed < 0)
    throw cannot_use(uring_trouble("enable the ring", failed));
  owner_ = std::this_thread::get_id();
  submit_wake();
}

bool uring_backend::poll(event_loop& loop, time_point until) {
  if (!on_own_thread()) [[unlikely]]
    begin_on_this_thread();
  if (!wanted_.empty()) submit_wanted();
  if (!filling_->empty()) submit_letters();
  const bool more = !unread_.empty() || !aside_.empty() || ring_.ready() != 0;
  if (more || until <= time_point()) {
    ring_.look();
  } else {
    ring_.wait(1, until);
  }
  const bool any = more || ring_.ready() != 0;
  if (!filling_->empty()) letters_have_left();
  deliver_ready();
  allowance_.renew();
  if (!unread_.empty()) read_leftovers(loop);
  count_what_happened(loop);
  return any;
}

// What up-calls put aside meanwhile has come before what is in the ring still.
void uring_backend::deliver_ready() noexcept {
  const unsigned end = ring_.end_of_ready();
  for (;;) {
    if (!aside_.empty()) [[unlikely]] {
      deliver_aside();
      continue;
    }
    if (!ring_.is_before(end)) break;
    const io_uring_cqe& first = ring_.front();
    io_object* const object = is_message(first) ? slots_.find(first.user_data) : nullptr;
    if (object == nullptr || !object->reading) [[unlikely]] {
      deliver(ring_.take());
      continue;
    }
    const auto bytes = static_cast<unsigned>(first.res);
    const unsigned buffer = first.flags >> IORING_CQE_BUFFER_SHIFT;
    ring_.pop();
    static_cast<stream_io&>(*object).on_data(buffers_.at(buffer), bytes);
    buffers_.give_back(buffer);
  }
}

void uring_backend::deliver_aside() noexcept {
  const completion next = aside_[aside_next_++];
  if (aside_next_ == aside_.size()) {
    aside_.clear();
    aside_next_ = 0;
  }
  deliver(next);
}

void uring_backend::count_what_happened(event_loop& loop) noexcept {
  loop_stats& stats = loop.counters();
  stats.completion_overflows = ring_.overflows();
  stats.buffer_shortages = shortages_;
  if (stale_ != 0) stats.stale_events += std::exchange(stale_, 0);
}

void uring_backend::deliver(completion done) noexcept {
  const operation what = operation_of(done);
  if (what == op_send) return deliver_sent(done);
  if (what == op_cancel) return;
  if (done.is_last()) --in_flight_;
  if (what == op_wake) {
    if (done.is_last()) submit_wake();
    return;
  }
  io_object* const object = slots_.find(tag_of(done));
  if (object == nullptr) [[unlikely]]
    return deliver_stale(done);
  if (done.is_last()) note_ended(*object, what);
  switch (what) {
    case op_receive:
      return deliver_input(static_cast<stream_io&>(*object), done);
    case op_hang_up:
      return deliver_hang_up(static_cast<stream_io&>(*object), done.result);
    case op_room:
      if (object->type == io_object::kind::datagram) break;
      return deliver_room(static_cast<stream_io&>(*object), done.result);
    default:
      if (object->type == io_object::kind::datagram) break;
      return deliver_poll(static_cast<poll_io&>(*object), done);
  }
  deliver_to_datagram(static_cast<datagram_io&>(*object), done);
}

void uring_backend::deliver_stale(completion done) noexcept {
  ++stale_;
  if (done.has_buffer()) buffers_.give_back(done.buffer());
}

void uring_backend::deliver_poll(poll_io& object, completion done) noexcept {
  if (done.is_last()) note_wanted(object);
  if (done.result == -ECANCELED) return;
  if (object.one_shot) {
    if (done.result == POLLRDHUP && !object.reading) {
      object.hung_up = true;
      return;
    }
    unwatch(object);
  }
  object.readable = true;
  object.on_ready();
}

// Behind an error there may be input for which there is no other event: see receive().
void uring_backend::deliver_to_datagram(datagram_io& socket, completion done) noexcept {
  if (done.is_last() && operation_of(done) == op_poll) note_wanted(socket);
  if (done.result == -ECANCELED) return;
  if (operation_of(done) == op_room) {
    socket.writable = true;
  } else {
    socket.readable = true;
    socket.failed = done.result < 0 || (done.result & POLLERR) != 0 || socket.failed;
  }
  socket.on_ready();
}

void uring_backend::note_wanted(io_object& object) noexcept {
  if (object.unread_noted) return;
  object.unread_noted = true;
  wanted_.push_back(slots_.tag(object.slot));
}

void uring_backend::submit_wanted() noexcept {
  for (const std::uint64_t tag : wanted_) {
    io_object* const object = slots_.find(tag);
    if (object == nullptr) continue;
    object->unread_noted = false;
    switch (object->type) {
      case io_object::kind::stream:
      case io_object::kind::passing:
        submit_for(static_cast<stream_io&>(*object), tag);
        break;
      case io_object::kind::poll:
        submit_for(static_cast<poll_io&>(*object), tag);
        break;
      case io_object::kind::datagram:
        submit_for(static_cast<datagram_io&>(*object), tag);
        break;
    }
  }
  wanted_.clear();
}

// The kernel adds POLLRDHUP to every poll. Of a peer that has ended its output that is all there
// is to say, again and again: a poll that stays says it once, and then only what is new.
void uring_backend::submit_event(io_object& object, std::uint64_t tag, operation what,
                                 unsigned events, bool stays) noexcept {
  io_uring_sqe& entry = ring_.next_submission();
  io_uring_prep_poll_add(&entry, object.descriptor, events);
  if (stays) entry.len = IORING_POLL_ADD_MULTI;
  note_submitted(entry, object, tag, what);
}

void uring_backend::submit_for(stream_io& stream, std::uint64_t tag) noexcept {
  const bool receives = is_in_flight(stream, op_receive);
  if (receives && !stream.reading) cancel(tag, op_receive);
  if (stream.reading && !receives) {
    if (stream.hung_up) stream.readable = true;  // bytes, or the end
    if (stream.readable) {
      unread_.push_back(tag);
    } else {
      submit_receive(stream, tag);
    }
  }
  // After the peer's end, for a reset.
  if (stream.failure == 0 && !is_in_flight(stream, op_hang_up)) {
    submit_event(stream, tag, op_hang_up, POLLRDHUP, stream.hung_up);
  }
  if (!stream.writable && !is_in_flight(stream, op_room)) {
    submit_event(stream, tag, op_room, POLLOUT, stream.hung_up);
  }
}

// A peer that has ended its output makes no room for ours: POLLRDHUP is for readers alone, who meet
// the end.
void uring_backend::submit_for(poll_io& object, std::uint64_t tag) noexcept {
  if (is_in_flight(object, op_poll)) return;
  if (object.one_shot) {
    const unsigned events = object.reading ? POLLIN | POLLRDHUP : POLLOUT;
    submit_event(object, tag, op_poll, events, object.hung_up);
  } else {
    submit_event(object, tag, op_poll, POLLIN | POLLOUT | POLLRDHUP, true);
  }
}

// A poll that stays tells of everything that comes; datagrams are received with a call of their
// own.
void uring_backend::submit_for(datagram_io& socket, std::uint64_t tag) noexcept {
  if (!is_in_flight(socket, op_poll)) submit_event(socket, tag, op_poll, POLLIN, true);
  if (!socket.writable && !is_in_flight(socket, op_room))
    submit_event(socket, tag, op_room, POLLOUT, false);
}

// A poll that stays: each call of wake() is one more completion.
void uring_backend::submit_wake() noexcept {
  ++in_flight_;
  io_uring_sqe& entry = ring_.next_submission();
  io_uring_prep_poll_multishot(&entry, wake_descriptor(), POLLIN);
  entry.user_data = label(0, op_wake);
}

int uring_backend::add(io_object& object) {
  if (object.descriptor < 0) return -EBADF;
  const auto number = static_cast<std::size_t>(object.descriptor);
  if (slot_of_descriptor_.size() <= number)
    slot_of_descriptor_.resize(std::max(number + 1, 2 * slot_of_descriptor_.size()), no_slot);
  if (slot_of_descriptor_[number] != no_slot) return -EEXIST;
  const std::size_t wanted = wanted_.size() + objects_ + 1;
  if (wanted_.capacity() < wanted) wanted_.reserve(2 * wanted);
  unread_.reserve(wanted_.capacity());
  aside_.reserve(operations_each * wanted_.capacity() + operations_beside);
  slots_.add(object);
  slot_of_descriptor_[number] = object.slot;
  ++objects_;
  object.in_flight = 0;
  object.unread_noted = false;  // a note from an earlier watch is out of date
  note_wanted(object);
  return 0;
}

int uring_backend::watch(stream_io& stream, bool is_tcp) {
  stream.is_tcp = is_tcp;
  stream.readable = held_.find(stream.descriptor) != nullptr;
  stream.writable = true;
  return add(stream);
}

int uring_backend::watch(poll_io& object) { return add(object); }

int uring_backend::watch_once(poll_io& object, bool for_writing) {
  struct stat facts {};
  if (::fstat(object.descriptor, &facts) < 0) return -errno;
  if (needs_no_wait(object.descriptor, facts.st_mode, for_writing ? POLLOUT : POLLIN))
    return -EPERM;
  object.one_shot = true;
  object.hung_up = false;
  object.reading = !for_writing;
  return add(object);
}

void uring_backend::unwatch(io_object& object) noexcept {
  if (object.slot == no_slot) return;
  if (object.output_taken) send_taken(static_cast<stream_io&>(object));
  if (object.in_flight != 0) drain(object);
  slot_of_descriptor_[static_cast<std::size_t>(object.descriptor)] = no_slot;
  slots_.remove(object);
  --objects_;
}

bool uring_backend::find_aside(std::uint64_t wanted, completion& out) noexcept {
  for (std::size_t i = aside_next_; i < aside_.size(); ++i) {
    if (aside_[i].label != wanted) continue;
    out = aside_[i];
    aside_[i].label = label(0, op_cancel);  // which nobody waits for
    return true;
  }
  return false;
}

// What the kernel said to something that it has done with, if it said anything. Others are put
// aside.
bool uring_backend::take_answer(std::uint64_t wanted, completion& out) noexcept {
  if (find_aside(wanted, out)) return true;
  for (;;) {
    while (ring_.ready() != 0) {
      out = ring_.take();
      if (out.label == wanted) return true;
      put_aside(out);
    }
    if (!on_own_thread() || !ring_.has_overflown()) return false;
    ring_.look();
  }
}

// The next completion of that label.
completion uring_backend::wait_for(std::uint64_t wanted) noexcept {
  for (completion found;;) {
    if (take_answer(wanted, found)) return found;
    ring_.wait(1, never);
  }
}

// A peer's end may have become a reset when its turn comes: then the kernel is asked again. A poll
// that stays says so by itself.
void uring_backend::put_aside(completion done) noexcept {
  const operation what = operation_of(done);
  const bool is_end = what == op_hang_up || (what == op_receive && done.result == 0);
  if (is_end && done.is_last()) done.result = -EAGAIN;
  aside_.push_back(done);
}

// Another thread than the loop's cannot ask the kernel for anything. The loop runs no more then:
// what is in flight ends with the ring, and before its memory.
void uring_backend::drain(io_object& object) noexcept {
  if (!on_own_thread()) {
    object.in_flight = 0;
    return;
  }
  const std::uint64_t tag = slots_.tag(object.slot);
  for (const operation each : {op_receive, op_hang_up, op_room, op_poll}) {
    if (is_in_flight(object, each)) cancel(tag, each);
  }
  for (const operation each : {op_receive, op_hang_up, op_room, op_poll}) {
    while (is_in_flight(object, each)) end(object, wait_for(label(tag, each)));
  }
}

void uring_backend::cancel(std::uint64_t tag, operation what) noexcept {
  io_uring_sqe& entry = ring_.next_submission();
  io_uring_prep_cancel64(&entry, label(tag, what), 0);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry.user_data = label(0, op_cancel);
}

void uring_backend::end(io_object& object, completion done) noexcept {
  if (done.is_last()) {
    note_ended(object, operation_of(done));
    --in_flight_;
  }
  if (operation_of(done) == op_receive) hold(static_cast<stream_io&>(object), done);
}

// The kernel works on our memory as long as something is in flight.
void uring_backend::end_everything() noexcept {
  using namespace std::chrono_literals;
  if (in_flight_ == 0) return;
  io_uring_sqe& entry = ring_.next_submission();
  io_uring_prep_cancel64(&entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  entry.user_data = label(0, op_cancel);
  const time_point limit = monotonic_now() + 10s;
  while (in_flight_ != 0 && monotonic_now() < limit) {
    if (ring_.ready() == 0) {
      ring_.wait(1, limit);
      continue;
    }
    const completion done = ring_.take();
    if (operation_of(done) != op_cancel && done.is_last()) --in_flight_;
  }
  assert(in_flight_ == 0);
}

void uring_backend::close(int descriptor, bool reset) noexcept {
  // Bytes that nobody has read make the kernel reset the connection. These would have been there.
  if (!held_.empty() && !held_.take(descriptor).bytes.empty()) reset = true;
  kernel_backend::close(descriptor, reset);
}

// The poll for wake-ups stays in flight. Each operation that has ended twice is one less: then the
// count has passed zero. On another thread than the loop's nothing can end any more.
std::string uring_backend::leftovers() const {
  const bool all_ended = in_flight_ <= 1 || !on_own_thread();
  if (objects_ == 0 && all_ended) return kernel_backend::leftovers();
  return fmt::format("{} objects are watched, {} operations are in flight; {}", objects_,
                     static_cast<std::ptrdiff_t>(in_flight_), kernel_backend::leftovers());
}

std::unique_ptr<backend> make_uring_backend() {
  if (const std::string why = why_no_uring(); !why.empty()) throw cannot_use(why);
  const os::forks_held_back until_it_has_an_owner;
  return std::make_unique<uring_backend>();
}

}  // namespace cetane::detail
