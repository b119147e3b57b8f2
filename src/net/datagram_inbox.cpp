#include <net/datagram_inbox.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>
#include <utility>

namespace cetane::detail {

// Who waits in vain is no longer in vain.
void datagram_inbox::add(item&& what) {
  items_.reserve_one();
  if (!items_.empty() && items_.front().what == item::kind::silence && lines_.available() != 0) {
    items_.drop_front();
    lines_.taken(nullptr, nullptr);
  }
  items_.emplace_back(std::move(what));
  lines_.added(nullptr);
}

void datagram_inbox::put(const os::arrived_datagram& what) {
  add(item(datagram(what.bytes, what.from, what.truncated)));
  bytes_ += what.bytes.size();
}

void datagram_inbox::put_undelivered(int error) { add(item(item::kind::undelivered, error)); }

void datagram_inbox::put_silence() {
  if (is_awaited() && is_empty()) add(item(item::kind::silence, 0));
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

datagram_inbox::item datagram_inbox::pop(inbox_place& place) {
  item first = items_.pop_front();
  place.waiter_.unlink();
  lines_.taken(&place, nullptr);
  bytes_ -= first.message.size();
  on_taken(first.message.size());
  if (is_awaited() && lines_.available() == 0) look();
  return first;
}

datagram datagram_inbox::take(inbox_place& place) {
  if (lines_.ended()) throw_closed();
  item first = pop(place);
  if (first.what == item::kind::silence) throw_silence();
  if (first.what == item::kind::undelivered) throw_undelivered(first.error);
  return std::move(first.message);
}

std::optional<datagram> datagram_inbox::take_next(inbox_place& place) {
  if (lines_.ended()) return std::nullopt;
  item first = pop(place);
  if (first.what == item::kind::silence) return std::nullopt;
  if (first.what == item::kind::undelivered) throw_undelivered(first.error);
  return std::move(first.message);
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
