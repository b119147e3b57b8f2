#include <net/datagram_inbox.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>
#include <utility>

namespace cetane::detail {

// Who waits in vain is no longer in vain.
template <class... What>
inline void datagram_inbox::add(const What&... what) {
  items_.reserve_one();
  if (!items_.empty() && items_.front().what == item::kind::silence && lines_.claim()) {
    items_.drop_front();
    lines_.taken();
  }
  items_.emplace_back(what...);
  lines_.added();
}

void datagram_inbox::put(const os::arrived_datagram& what) {
  add(what);
  bytes_ += what.bytes.size();
}

void datagram_inbox::put_undelivered(int error) { add(item::kind::undelivered, error); }

void datagram_inbox::put_silence() {
  if (is_awaited() && is_empty()) add(item::kind::silence, 0);
}

bool datagram_inbox::is_awaited_by(const task_context& task) const noexcept {
  return is_empty() && std::any_of(waiters_.begin(), waiters_.end(),
                                   [&](const inbox_waiter& one) { return one.task == &task; });
}

bool datagram_inbox::can_take() noexcept {
  if (!lines_.can_get()) look();
  return lines_.can_get();
}

void datagram_inbox::wait(inbox_place& place, const task_context& task) noexcept {
  place.waiter_.task = &task;
  waiters_.push_back(place.waiter_);
  lines_.wait_to_get(place);
  if (!place.granted()) on_wait();
}

void datagram_inbox::stop_waiting(inbox_place& place) noexcept {
  place.waiter_.unlink();
  lines_.stop_getting(place);
}

// What the first said has been taken out of it.
inline void datagram_inbox::drop_first(inbox_place& place, std::size_t bytes) {
  (void)lines_.claim(place);
  items_.drop_front();
  place.waiter_.unlink();
  lines_.taken();
  bytes_ -= bytes;
  on_taken(bytes);
  if (is_awaited() && lines_.available() == 0) look();
}

datagram datagram_inbox::take(inbox_place& place) {
  if (lines_.ended()) throw_closed();
  item& first = items_.front();
  if (first.what != item::kind::message) [[unlikely]]
    throw_note(place);
  datagram message(std::move(*first.message));
  first.message.reset();
  drop_first(place, message.size());
  return message;
}

void datagram_inbox::throw_note(inbox_place& place) {
  const item note(items_.front().what, items_.front().error);
  drop_first(place, 0);
  if (note.what == item::kind::silence) throw_silence();
  throw_undelivered(note.error);
}

std::optional<datagram> datagram_inbox::take_next(inbox_place& place) {
  if (lines_.ended()) return std::nullopt;
  if (items_.front().what != item::kind::silence) return take(place);
  drop_first(place, 0);
  return std::nullopt;
}

bool inbox_place::poll() noexcept { return granted() || (!armed_ && inbox_->can_take()); }

void inbox_place::arm() noexcept {
  armed_ = true;
  inbox_->wait(*this, task());
}

void inbox_place::disarm() noexcept {
  if (linked()) inbox_->stop_waiting(*this);
}

// What was armed and is in no line any more has outlived the inbox.
datagram_inbox& inbox_place::inbox() {
  if (armed_ && !linked()) {
    throw connection_closed("receive from", "a socket that is gone", {}, errc::closed_here);
  }
  return *inbox_;
}

datagram inbox_place::take() { return inbox().take(*this); }

std::optional<datagram> inbox_place::take_next() { return inbox().take_next(*this); }

std::string inbox_place::describe_wait() const { return inbox_->describe(); }

}  // namespace cetane::detail
