#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace cetane::detail {

/// What a get gives when the queue is closed and empty: an empty optional, or queue_closed.
enum class at_end : bool { empty, closed };

/// A place in one of a queue's lines.
class queue_place : public line_place {
 protected:
  queue_place() noexcept = default;

 private:
  friend class queue_lines;

  bool has_share_ = false;  // granted, and an item or a free place is reserved for it
};

/// Who waits at a queue, and what is reserved for whom: the part of a queue that does not know its
/// items.
///
/// A woken getter has one item reserved, which one is settled when it runs: so items leave in their
/// order whoever gives way. A woken putter has one free place reserved. When a queue is closed and
/// its last item is gone, all getters are woken without one.
class CETANE_API queue_lines {
 public:
  explicit queue_lines(std::size_t limit) noexcept : limit_(limit) {}

  std::size_t limit() const noexcept { return limit_; }
  bool closed() const noexcept { return closed_; }

  /// Items that are reserved for nobody.
  std::size_t available() const noexcept { return stored_ - promised_; }
  /// Nothing will come any more.
  bool ended() const noexcept { return closed_ && stored_ == 0 && reserved_ == 0; }
  bool has_room() const noexcept { return putters_.empty() && stored_ + reserved_ < limit_; }

  bool can_get() const noexcept { return available() != 0 || ended(); }
  bool can_put() const noexcept { return closed_ || has_room(); }

  /// Whether the task that runs has had an item in this turn.
  bool had_turn(const task_context& task) const noexcept;

  void wait_to_get(queue_place& place) noexcept {
    getters_.join(place);
    if (can_get()) grant_getters();
  }
  void stop_getting(queue_place& place) noexcept;
  /// An item is taken out, by `place` if there is one.
  void taken(queue_place* place, const task_context* by) noexcept;

  void wait_to_put(queue_place& place) noexcept {
    putters_.join(place);
    if (closed_ || stored_ + reserved_ < limit_) grant_putters();
  }
  void stop_putting(queue_place& place) noexcept;
  /// Whether `place` may put now: who was promised room may even if the queue was closed since.
  bool may_add(const queue_place& place) const noexcept { return !closed_ || place.has_share_; }
  /// An item was put in, by `place` if there is one.
  void added(queue_place* place) noexcept;

  void close() noexcept;

  /// The queue goes, and so many items with it.
  void end(std::size_t items_left) noexcept;

  [[noreturn]] void throw_closed(const char* tried) const;
  std::string describe(const char* what) const;
  static void tell_getter(wait_causes& to);
  static void tell_putter(wait_causes& to);

 private:
  void grant_getters() noexcept;
  void grant_putters() noexcept;
  void offer_item() noexcept;
  void offer_room() noexcept;
  static bool give_share(wait_line& line) noexcept;
  static bool take_share(queue_place& place) noexcept;
  void end_if_over() noexcept {
    if (ended()) getters_.grant_all();
  }

  std::size_t limit_;
  std::size_t stored_ = 0;
  std::size_t promised_ = 0;  // of them, to getters
  std::size_t reserved_ = 0;  // free places, for putters
  std::uint64_t last_turn_ = 0;
  bool closed_ = false;
  wait_line getters_;
  wait_line putters_;
};

}  // namespace cetane::detail
