#include <net/datagram_port.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

namespace cetane {
namespace detail {
namespace {

using namespace std::chrono_literals;

// No event tells that another process's Unix socket, or a network interface, has room again.
constexpr duration ask_about_room = 5ms;

constexpr std::size_t most_parts = 16;

iovec as_iovec(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

std::string joined(const std::string_view* parts, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += parts[i];
  return all;
}

}  // namespace

int datagram_port::open(const address& at, const datagram_request& request) {
  int made = -1;
  if (const int error = loop_.io().open_datagram(at, request, made, bound_); error < 0)
    return error;
  if (const int error = watch(made); error < 0) return error;
  has_peer_ = request.to != nullptr;
  if (!loop_.io().simulated()) file_.made_at(bound_);
  return 0;
}

int datagram_port::adopt(unique_fd shared, const address& bound, bool removes_file) {
  bound_ = bound;
  if (const int error = loop_.io().take_over(shared.get()); error < 0) return error;
  if (const int error = watch(shared.release()); error < 0) return error;
  if (removes_file) file_.made_at(bound_);
  return 0;
}

int datagram_port::watch(int socket) {
  descriptor = socket;
  is_unix = bound_.is_unix();
  stage_ = is_unix ? nullptr : &datagram_stage::of(loop_);
  readable = failed = false;
  writable = true;
  const int error = loop_.io().watch(*this);
  if (error < 0) loop_.io().close(std::exchange(descriptor, -1), false);
  return error;
}

void datagram_port::close() noexcept {
  if (!is_open()) return;
  if (stage_ != nullptr) stage_->send_those_of(*this);
  disarm();
  loop_.io().unwatch(*this);
  loop_.io().close(std::exchange(descriptor, -1), false);
  file_.remove();
  for (const outgoing_datagram& one : queue_) {
    count_dropped();
    loop_.counters().bytes_dropped += one.bytes.size();
  }
  queue_.clear();
  queued_bytes_ = 0;
  senders_.grant_all();
}

void datagram_port::count_dropped() noexcept {
  ++dropped_;
  ++loop_.counters().datagrams_dropped;
}

void datagram_port::on_ready() noexcept {
  if (failed) hear_failures();
  if (!queue_.empty() && writable) send_queued();
  read_all();
}

// Output that has to be asked for again, or input that others had their turn before.
void datagram_port::on_timer() noexcept {
  if (!queue_.empty()) send_queued();
  read_all();
}

void datagram_port::hear_failures() noexcept {
  datagram_failure one;
  while (is_open() && loop_.io().take_failure(*this, one) == 0) {
    sink_.on_undelivered(one.about, one.error);
  }
}

void datagram_port::read_all() noexcept {
  for (int n = 0; n < reads_in_a_row; ++n) {
    if (!is_open() || !readable || !sink_.wants_datagrams()) return;
    read();
  }
  if (readable && !armed()) loop_.arm(*this, loop_.now());
}

void datagram_port::read() noexcept {
  if (!is_open() || !readable) return;
  const auto arrived = loop_.io().receive(*this, limits_.datagram_bytes, os::datagrams_per_call);
  loop_stats& stats = loop_.counters();
  stats.datagrams_received += arrived.size();
  for (const arrived_datagram& one : arrived) {
    stats.bytes_received += one.bytes.size();
    note_reached(one.from);
    if (one.lost > lost_in_socket_) {
      stats.datagrams_dropped += one.lost - lost_in_socket_;
      lost_in_socket_ = one.lost;
    }
    sink_.on_datagram(one);
  }
}

int datagram_port::send_now(const address* to, const iovec* parts, int count) noexcept {
  const ssize_t sent = loop_.io().send(*this, to, parts, count);
  if (sent < 0) return static_cast<int>(sent);
  ++loop_.counters().datagrams_sent;
  loop_.counters().bytes_sent += static_cast<std::size_t>(sent);
  return 0;
}

int datagram_port::try_to_send(const address* to, const std::string_view* parts,
                               std::size_t count) {
  if (count > most_parts) {
    const std::string all = joined(parts, count);
    const iovec one = as_iovec(all);
    return send_now(to, &one, 1);
  }
  std::array<iovec, most_parts> list;
  std::transform(parts, parts + count, list.begin(), as_iovec);
  return send_now(to, list.data(), static_cast<int>(count));
}

// A Unix socket without a peer has as many that may be full as it sends to: one does not hold up
// the others.
bool datagram_port::is_behind_another(const address* to) const noexcept {
  if (queue_.empty()) return false;
  if (to == nullptr || !to->is_unix()) return true;
  return std::any_of(queue_.begin(), queue_.end(),
                     [&](const outgoing_datagram& one) { return one.to == *to; });
}

datagram_port::fate datagram_port::send(const address* to, const std::string_view* parts,
                                        std::size_t count, int& error) {
  const std::size_t size = total_size(parts, count);
  if (stage(to, parts, count, size)) return fate::sent;
  if (stage_ != nullptr) stage_->send_those_of(*this);
  if (!is_behind_another(to)) {
    const int result = try_to_send(to, parts, count);
    if (result == 0) {
      note_reached(to == nullptr ? bound_ : *to);
      loop_.counters().bytes_queued += size;
      return fate::sent;
    }
    if (result != -EAGAIN && result != -ENOBUFS) {
      error = -result;
      return fate::failed;
    }
    if (result == -ENOBUFS) ask_again_later();
  }
  if (queued_bytes_ + size + outgoing_datagram::overhead > limits_.output_bytes)
    return fate::no_room;
  keep(outgoing_datagram(to, joined(parts, count)));
  loop_.counters().bytes_queued += size;
  return fate::queued;
}

void datagram_port::note_reached(const address& place) noexcept {
  if (has_peer_) {
    peer_reached_ = true;
  } else if (!is_unix) {
    reached_.add(place);
  }
}

void datagram_port::send_staged(const os::datagram_outbox& staged) noexcept {
  if (!queue_.empty()) return queue_staged(staged, 0);  // what left before it found no room
  loop_stats& stats = loop_.counters();
  std::size_t first = 0;
  while (first != staged.size()) {
    const int result = loop_.io().send_several(*this, staged, first);
    if (result == -ENOBUFS) ask_again_later();
    if (result == -EAGAIN || result == -ENOBUFS) return queue_staged(staged, first);
    if (result < 0) {
      refused(staged, first++, -result);
      continue;
    }
    stats.datagrams_sent += static_cast<std::size_t>(result);
    for (const std::size_t end = first + static_cast<std::size_t>(result); first != end; ++first)
      stats.bytes_sent += staged.bytes(first).size();
  }
}

// What comes after it is another's. The next one to there is told at the call.
void datagram_port::refused(const os::datagram_outbox& staged, std::size_t index,
                            int error) noexcept {
  const address to = staged.place(index).value();
  loop_.counters().bytes_dropped += staged.bytes(index).size();
  peer_reached_ = false;
  reached_.forget(to);
  sink_.on_undelivered(to, error);
}

void datagram_port::queue_staged(const os::datagram_outbox& staged, std::size_t first) noexcept {
  for (; first != staged.size(); ++first) {
    const std::string_view bytes = staged.bytes(first);
    try {
      const address to = staged.place(first).value();
      keep(outgoing_datagram(&to, bytes));
    } catch (const std::bad_alloc&) {
      count_dropped();
      loop_.counters().bytes_dropped += bytes.size();
    }
  }
}

void datagram_port::send_kept(outgoing_datagram&& unsent) {
  const std::size_t size = unsent.bytes.size();
  if (is_behind_another(unsent.destination()) || !send_one(unsent)) keep(std::move(unsent));
  --dropped_;
  --loop_.counters().datagrams_dropped;
  loop_.counters().bytes_queued += size;
}

void datagram_port::keep(outgoing_datagram&& unsent) {
  const std::size_t room = unsent.room();
  queue_.push_back(std::move(unsent));
  queued_bytes_ += room;
}

void datagram_port::send_queued() noexcept {
  auto kept = queue_.begin();
  for (auto one = queue_.begin(); one != queue_.end(); ++one) {
    // Behind one that found no room nothing goes to the same place.
    const bool held_up = std::any_of(queue_.begin(), kept, [&](const outgoing_datagram& before) {
      return !one->to.is_unix() || before.to == one->to;
    });
    if (!held_up && send_one(*one)) {
      queued_bytes_ -= one->room();
    } else {
      if (kept != one) *kept = std::move(*one);
      ++kept;
    }
  }
  queue_.erase(kept, queue_.end());
  if (queued_bytes_ <= limits_.output_low_bytes) senders_.grant_all();
}

// Whether it is done with.
bool datagram_port::send_one(const outgoing_datagram& one) noexcept {
  const iovec bytes = as_iovec(one.bytes.view());
  const int result = send_now(one.destination(), &bytes, 1);
  if (result == -ENOBUFS) ask_again_later();
  if (result == -EAGAIN || result == -ENOBUFS) return false;
  if (result < 0) {
    loop_.counters().bytes_dropped += one.bytes.size();
    sink_.on_undelivered(one.to, -result);
  }
  return true;
}

void datagram_port::ask_again_later() noexcept {
  if (!armed()) loop_.arm(*this, deadline_after(loop_.now(), ask_about_room));
}

void free_outgoing::operator()(outgoing_datagram* unsent) const noexcept { delete unsent; }

}  // namespace detail

bool udp_send_op::select_type::poll() const noexcept {
  return granted() || (!armed_ && (!port_.is_open() || port_.has_room()));
}

void udp_send_op::select_type::arm() noexcept {
  armed_ = true;
  if (!port_.is_open() || port_.has_room()) return port_.senders().grant(*this);
  port_.senders().join(*this);
}

// What was armed and is in no line any more has outlived the socket.
void udp_send_op::select_type::end_wait() {
  const bool gone = armed_ && !linked();
  leave();
  if (kept_ == nullptr) return;
  if (gone || !port_.is_open()) {
    throw connection_closed("send to", kept_->to.to_string(), {}, errc::closed_here);
  }
  port_.send_kept(std::move(*kept_));
  kept_.reset();
}

std::string udp_send_op::select_type::describe_wait() const {
  return "room to send from " + port_.bound().to_string();
}

}  // namespace cetane
