#include <cetane/sync/detail/queue_lines.hpp>

#include <base/ledger.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/coro/wait_causes.hpp>

#include <fmt/format.h>

#include <limits>

namespace cetane::detail {

// Somebody waits, and what was reserved here is nobody else's.
void queue_lines::promise(wait_line& line) noexcept {
  static_cast<queue_place&>(line.front()).has_share_ = true;
  line.grant_front();
}

void queue_lines::grant_getters() noexcept {
  if (ended_) {
    getters_.grant_all();
  } else {
    offer_item();
  }
}

void queue_lines::stop_getting(queue_place& place) noexcept {
  if (!place.leave_share()) return;
  ++available_;
  offer_item();
}

void queue_lines::offer_item() noexcept {
  if (available_ == 0 || getters_.empty()) return;
  --available_;
  promise(getters_);
}

void queue_lines::grant_putters() noexcept {
  if (closed_) {
    putters_.grant_all();
  } else {
    offer_room();
  }
}

void queue_lines::stop_putting(queue_place& place) noexcept {
  if (!place.leave_share()) return;
  use_reservation();
  use_room();
}

void queue_lines::use_room() noexcept {
  offer_room();
  end_if_over();
  room_matters_ = closed_ || !putters_.empty();
}

void queue_lines::offer_room() noexcept {
  while (has_room() && !putters_.empty()) {
    ++reserved_;
    ++occupied_;
    promise(putters_);
  }
}

void queue_lines::close() noexcept {
  closed_ = room_matters_ = true;
  places_ = 0;
  putters_.grant_all();
  end_if_over();
}

void queue_lines::end_if_over() noexcept {
  if (!closed_ || occupied_ != 0) return;
  ended_ = true;
  getters_.grant_all();
}

void queue_lines::note_messages(std::int64_t difference) noexcept {
  count(&ledger::messages, difference);
}

void queue_lines::throw_closed(const char* tried) const { throw queue_closed(tried); }

std::string queue_lines::describe(const char* what) const {
  const std::size_t stored = occupied_ - reserved_;
  if (limit_ == std::numeric_limits<std::size_t>::max()) {
    return fmt::format("{}, {} queued", what, stored);
  }
  return fmt::format("{}, {} of {} queued", what, stored, limit_);
}

void queue_lines::tell_getter(wait_causes& to) { to.missing("nobody has put anything in"); }
void queue_lines::tell_putter(wait_causes& to) { to.missing("nobody has taken anything out"); }

}  // namespace cetane::detail
