#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace cetane::detail {

/// What a get gives when the queue is closed and empty: an empty optional, or queue_closed.
enum class at_end : bool { empty, closed };

/// A place in one of a queue's lines.
class queue_place : public line_place {
 protected:
  queue_place() noexcept = default;

 private:
  friend class queue_lines;

  /// Leaves its line, if it is in one; true if an item or a free place was reserved for it.
  bool leave_share() noexcept {
    if (!linked()) return false;  // most of those who come have never waited
    leave();
    return std::exchange(has_share_, false);
  }

  bool has_share_ = false;  // granted, and an item or a free place is reserved for it
};

/// Who waits at a queue, and what is reserved for whom: the part of a queue that does not know its
/// items.
///
/// A woken getter has one item reserved, which one is settled when it runs: so items leave in their
/// order whoever gives way. A woken putter has one free place reserved. When a queue is closed and
/// its last item is gone, all getters are woken without one.
///
/// Nobody waits for what is there: getters wait only while each item is reserved for another one,
/// putters only while there is no room.
class CETANE_API queue_lines {
 public:
  explicit queue_lines(std::size_t limit) noexcept : limit_(limit), places_(limit) {}

  std::size_t limit() const noexcept { return limit_; }
  bool closed() const noexcept { return closed_; }

  /// Items that are reserved for nobody.
  std::size_t available() const noexcept { return available_; }
  /// Nothing will come any more.
  bool ended() const noexcept { return ended_; }
  bool has_room() const noexcept { return occupied_ < places_; }

  bool can_get() const noexcept { return available_ != 0 || ended_; }
  bool can_put() const noexcept { return closed_ || has_room(); }

  /// Whether the task that runs has had an item in this turn.
  bool had_turn(const task_context& task) const noexcept {
    return last_turn_ == task.loop->resumes;
  }

  void wait_to_get(queue_place& place) noexcept {
    const bool at_once = can_get();  // asked first: who comes here has mostly just done so, too
    getters_.join(place);
    if (at_once) [[unlikely]]
      grant_getters();
  }
  void stop_getting(queue_place& place) noexcept;
  /// Whether there is an item for `place`; else the queue has ended. If so it is taken() next.
  bool claim(queue_place& place) noexcept {
    if (!place.leave_share()) [[unlikely]] {
      if (available_ == 0) return false;
      --available_;
    }
    last_turn_ = place.task().loop->resumes;
    return true;
  }
  /// The same for somebody who has not waited and does not; it may be that there is no item now.
  bool claim() noexcept {
    if (available_ == 0) return false;
    --available_;
    return true;
  }
  /// An item that was claimed is taken out.
  void taken() noexcept {
    --occupied_;
    count_message(-1);
    if (room_matters_) [[unlikely]]
      use_room();
  }

  void wait_to_put(queue_place& place) noexcept {
    const bool at_once = can_put();
    room_matters_ = true;
    putters_.join(place);
    if (at_once) grant_putters();
  }
  void stop_putting(queue_place& place) noexcept;
  /// Whether `place` may put now: who was promised room may even if the queue was closed since.
  bool may_add(const queue_place& place) const noexcept { return !closed_ || place.has_share_; }
  /// An item was put in.
  void added() noexcept {
    ++occupied_;
    count_message(1);
    if (getters_.empty()) {
      ++available_;
    } else {
      promise(getters_);
    }
  }
  /// An item was put in by `place`, whether it has waited or not.
  void added_by(queue_place& place) noexcept {
    if (place.leave_share()) use_reservation();
    added();
  }

  void close() noexcept;

  /// The queue goes, and so many items with it.
  void end(std::size_t items_left) noexcept {
    count_message(-static_cast<std::int64_t>(items_left));
  }

  [[noreturn]] void throw_closed(const char* tried) const;
  std::string describe(const char* what) const;
  static void tell_getter(wait_causes& to);
  static void tell_putter(wait_causes& to);

 private:
  static void note_messages(std::int64_t difference) noexcept;
  static void count_message([[maybe_unused]] std::int64_t difference) noexcept {
#ifndef NDEBUG
    note_messages(difference);
#endif
  }
  static void promise(wait_line& line) noexcept;
  void use_reservation() noexcept {
    --reserved_;
    --occupied_;
  }
  void use_room() noexcept;
  void grant_getters() noexcept;
  void grant_putters() noexcept;
  void offer_item() noexcept;
  void offer_room() noexcept;
  void end_if_over() noexcept;

  std::size_t limit_;
  std::size_t places_;  // limit_, or none once it is closed
  std::size_t available_ = 0;
  std::size_t occupied_ = 0;  // places, by items or for putters
  std::size_t reserved_ = 0;  // of them, for putters
  std::uint64_t last_turn_ = 0;
  bool room_matters_ = false;  // it is closed, or somebody may wait to put
  bool closed_ = false;
  bool ended_ = false;
  wait_line getters_;
  wait_line putters_;
};

}  // namespace cetane::detail
