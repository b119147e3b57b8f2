#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/sync/detail/queue_lines.hpp>
#include <cetane/sync/detail/ring.hpp>

#include <coroutine>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

/// Says that a queue has no limit: `queue<job> jobs(unbounded);`
struct unbounded_tag {
  explicit unbounded_tag() = default;
};
inline constexpr unbounded_tag unbounded{};

template <class T>
class queue;

namespace detail {

/// A wait for an item.
template <class T, at_end End>
class queue_get final : public queue_place {
 public:
  using source_type = queue<T>;
  using result = std::conditional_t<End == at_end::empty, std::optional<T>, T>;

  explicit queue_get(wait_op<queue_get> op) noexcept : queue_(op.source()) {}
  ~queue_get() { disarm(); }

  bool poll() const noexcept { return granted() || queue_.lines_.can_get(); }
  bool had_turn() const noexcept { return queue_.lines_.had_turn(task()); }
  void arm() noexcept { queue_.lines_.wait_to_get(*this); }
  void disarm() noexcept {
    if (linked()) [[unlikely]]
      queue_.lines_.stop_getting(*this);
  }
  result commit() {
    if (queue_.lines_.claim(*this)) [[likely]]
      return queue_.take();
    if constexpr (End == at_end::empty) return std::nullopt;
    queue_.lines_.throw_closed("get from a queue");
  }
  std::string describe_wait() const { return queue_.lines_.describe("queue get"); }
  void tell_causes(wait_causes& to) const { queue_lines::tell_getter(to); }

 private:
  queue<T>& queue_;
};

}  // namespace detail

/// Puts an item into a queue; see queue::put().
template <class T>
class [[nodiscard("put() waits for room when it is awaited, and does nothing before")]] put_op {
 public:
  put_op(queue<T> & into, T item) noexcept : queue_(into), item_(std::move(item)) {}

  class select_type final : public detail::queue_place {
   public:
    explicit select_type(put_op&& op) noexcept
        : queue_(op.queue_), own_(std::move(op.item_)), item_(*own_) {}
    explicit select_type(put_op& op) noexcept : queue_(op.queue_), item_(op.item_) {}
    ~select_type() { disarm(); }

    bool poll() const noexcept { return granted() || queue_.lines_.can_put(); }
    void arm() noexcept { queue_.lines_.wait_to_put(*this); }
    void disarm() noexcept {
      if (linked()) queue_.lines_.stop_putting(*this);
    }
    void commit() { queue_.add(*this, std::move(item_)); }
    std::string describe_wait() const { return queue_.lines_.describe("queue put"); }
    void tell_causes(detail::wait_causes& to) const { detail::queue_lines::tell_putter(to); }

   private:
    queue<T>& queue_;
    std::optional<T> own_;
    T& item_;
  };

  /// Puts at once where there is room, and begins a wait only where there is none.
  class awaiter {
   public:
    explicit awaiter(put_op& op) noexcept : op_(op) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      const bool room = op_.queue_.lines_.has_room();
      if (!room || !frame.promise().context->loop->within_budget()) [[unlikely]]
        return wait(frame, room);
      op_.queue_.items_.emplace_back(std::move(op_.item_));
      op_.queue_.lines_.added();
      return false;
    }

    void await_resume() {
      if (wait_) [[unlikely]]
        wait_->await_resume();
    }

   private:
    // Where there is room the task is only to let the others go first.
    template <class Promise>
    [[gnu::noinline]] bool wait(std::coroutine_handle<Promise> frame, bool room) {
      sole_wait<select_type>& waits = wait_.emplace(op_);
      if (!room) return waits.await_suspend(frame);
      waits.suspend(frame, *frame.promise().context);
      return true;
    }

    put_op& op_;
    std::optional<sole_wait<select_type>> wait_;
  };

  awaiter operator co_await() noexcept { return awaiter(*this); }

 private:
  queue<T>& queue_;
  T item_;
};

/// Items on their way from some tasks to others, first in, first out.
///
/// Bounded: who puts waits while it is full, so that the load is felt where it comes from. First
/// come, first served among those who get and those who put; a task that takes many items in a row
/// gives the others a turn after each. No allocation per item once it has been as full as it gets.
/// Loop thread only; it outlives those who wait.
template <class T>
class queue {
 public:
  /// @param limit  Most items that wait in it.
  /// @throws std::invalid_argument  `limit` is 0.
  explicit queue(std::size_t limit = default_queue_limit) : lines_(limit) {
    if (limit == 0) throw std::invalid_argument("a queue has room for one item at least");
  }
  /// Makes one without a limit: put() never waits, and memory may run out.
  explicit queue(unbounded_tag) noexcept : lines_(std::numeric_limits<std::size_t>::max()) {}
  queue(const queue&) = delete;
  queue& operator=(const queue&) = delete;
  ~queue() { lines_.end(items_.size()); }

  /// Suspends while the queue is full, then puts `item` at its end.
  ///
  /// @throws queue_closed  The queue is closed, or closes while this waits; the item is lost.
  /// @par Cancellation  The item is not put. To keep it, name the operation, which can be awaited
  ///                    again: `auto put = q.put(std::move(x)); co_await first(put, ...)`.
  put_op<T> put(T item) noexcept { return put_op<T>(*this, std::move(item)); }

  /// Puts `item` at the end, or leaves it alone when the queue is full or closed.
  template <class U>
  requires std::is_constructible_v<T, U&&>
  bool try_put(U&& item) {
    if (!lines_.has_room()) return false;
    items_.emplace_back(std::forward<U>(item));
    lines_.added();
    return true;
  }

  /// Suspends until there is an item, and takes the first.
  ///
  /// @throws queue_closed  The queue is closed and empty.
  /// @par Cancellation  No item is taken.
  detail::wait_op<detail::queue_get<T, detail::at_end::closed>> get() noexcept {
    return detail::wait_op<detail::queue_get<T, detail::at_end::closed>>(*this);
  }

  /// As get(), but gives an empty optional when the queue is closed and empty, for loops:
  /// `while (auto job = co_await jobs.next())`.
  detail::wait_op<detail::queue_get<T, detail::at_end::empty>> next() noexcept {
    return detail::wait_op<detail::queue_get<T, detail::at_end::empty>>(*this);
  }

  /// Takes the first item, if there is one that is promised to nobody.
  std::optional<T> try_get() noexcept {
    if (!lines_.claim()) return std::nullopt;
    return take();
  }

  /// Takes no more items; those that are there can be got. Who waits to put gets queue_closed.
  void close() noexcept { lines_.close(); }
  bool closed() const noexcept { return lines_.closed(); }

  /// Items that are promised to nobody yet.
  std::size_t size() const noexcept { return lines_.available(); }
  bool empty() const noexcept { return size() == 0; }
  std::size_t limit() const noexcept { return lines_.limit(); }

 private:
  template <class, detail::at_end>
  friend class detail::queue_get;
  friend class put_op<T>;

  T take() noexcept {
    T item = items_.pop_front();
    lines_.taken();
    return item;
  }

  void add(detail::queue_place& place, T&& item) {
    if (!lines_.may_add(place)) lines_.throw_closed("put into a queue");
    items_.emplace_back(std::move(item));
    lines_.added_by(place);
  }

  detail::queue_lines lines_;
  detail::ring<T> items_;
};

}  // namespace cetane
