#include <cetane/sync/detail/queue_lines.hpp>

#include <base/ledger.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/coro/wait_causes.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace cetane::detail {
namespace {

std::uint64_t turn_of(const task_context& task) noexcept {
  return loop_of(task).counters().resumes;
}

}  // namespace

bool queue_lines::had_turn(const task_context& task) const noexcept {
  return last_turn_ == turn_of(task);
}

inline bool queue_lines::give_share(wait_line& line) noexcept {
  if (line.empty()) return false;
  static_cast<queue_place&>(line.front()).has_share_ = true;
  line.grant_front();
  return true;
}

// Most of those who come have never waited.
inline bool queue_lines::take_share(queue_place& place) noexcept {
  return place.linked() && place.leave() && std::exchange(place.has_share_, false);
}

void queue_lines::grant_getters() noexcept {
  if (ended()) {
    getters_.grant_all();
  } else {
    offer_item();
  }
}

void queue_lines::stop_getting(queue_place& place) noexcept {
  if (!take_share(place)) return;
  --promised_;
  offer_item();
}

void queue_lines::taken(queue_place* place, const task_context* by) noexcept {
  if (place != nullptr && take_share(*place)) --promised_;
  if (by != nullptr) last_turn_ = turn_of(*by);
  --stored_;
  count(&ledger::messages, -1);
  if (!putters_.empty()) offer_room();
  end_if_over();
}

inline void queue_lines::offer_item() noexcept {
  if (available() != 0 && give_share(getters_)) ++promised_;
}

void queue_lines::grant_putters() noexcept {
  if (closed_) {
    putters_.grant_all();
  } else {
    offer_room();
  }
}

void queue_lines::stop_putting(queue_place& place) noexcept {
  if (!take_share(place)) return;
  --reserved_;
  offer_room();
  end_if_over();
}

void queue_lines::added(queue_place* place) noexcept {
  if (place != nullptr && take_share(*place)) --reserved_;
  ++stored_;
  count(&ledger::messages, 1);
  offer_item();
}

void queue_lines::offer_room() noexcept {
  while (!closed_ && stored_ + reserved_ < limit_ && give_share(putters_)) {
    ++reserved_;
  }
}

void queue_lines::close() noexcept {
  closed_ = true;
  putters_.grant_all();
  end_if_over();
}

void queue_lines::end(std::size_t items_left) noexcept {
  count(&ledger::messages, -static_cast<std::int64_t>(items_left));
}

void queue_lines::throw_closed(const char* tried) const { throw queue_closed(tried); }

std::string queue_lines::describe(const char* what) const {
  if (limit_ == std::numeric_limits<std::size_t>::max()) {
    return fmt::format("{}, {} queued", what, stored_);
  }
  return fmt::format("{}, {} of {} queued", what, stored_, limit_);
}

void queue_lines::tell_getter(wait_causes& to) { to.missing("nobody has put anything in"); }
void queue_lines::tell_putter(wait_causes& to) { to.missing("nobody has taken anything out"); }

}  // namespace cetane::detail
