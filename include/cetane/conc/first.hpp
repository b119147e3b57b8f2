#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/coro/wait_causes.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

// What is told of one operation among several: its result if it is the one that happened.
template <class T>
struct told {
  using type = std::optional<std::remove_cvref_t<T>>;
};
template <>
struct told<void> {
  using type = bool;
};
template <class T>
using told_t = typename told<T>::type;

}  // namespace detail

/// Waits for one of several operations; made by first().
///
/// States: not begun; ready at once (`chosen_` is set, nothing is armed); armed (`armed_` arms from
/// the left wait); over, be it by an error of arm() or by a cancel.
template <class... S>
class [[nodiscard("first does nothing until it is awaited")]] first_op final
    : public detail::waitable {
 public:
  using result = std::tuple<detail::told_t<detail::commit_result_t<S>>...>;

  template <class... Ops>
  explicit first_op(std::in_place_t, Ops && ... operations)
      : arms_(std::forward<Ops>(operations)...) {}
  first_op(const first_op&) = delete;
  first_op& operator=(const first_op&) = delete;

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return begin(frame, *frame.promise().context);
  }

  result await_resume() {
    if (cancelled_ != cancel_reason::none) [[unlikely]]
      throw cancelled(cancelled_);
    if (error_) [[unlikely]]
      std::rethrow_exception(error_);
    if (armed_ != 0) choose();
    result told;
    visit([&]<std::size_t I>(place<I>, auto& arm) {
      if (I == chosen_) tell(std::get<I>(told), arm);
    });
    return told;
  }

  void cancel_wait(detail::task_context & task) noexcept override {
    disarm_all_but(none);
    cancelled_ = task.cancel_state;
    task.loop->make_ready(task);
  }

  std::string describe_wait() const override {
    std::string text;
    const auto add = [&](const auto& arm) {
      if (!text.empty()) text += " or ";
      text += arm.describe_wait();
    };
    std::apply([&](const auto&... arms) { (add(arms), ...); }, arms_);
    return text;
  }

  void tell_causes(detail::wait_causes & to) const override {
    if constexpr (sizeof...(S) > 1) to.one_of_several();
    std::apply([&](const auto&... arms) { (detail::tell_causes_of(arms, to), ...); }, arms_);
  }

 private:
  static constexpr std::size_t none = sizeof...(S);
  template <std::size_t I>
  using place = std::integral_constant<std::size_t, I>;

  template <class Visitor>
  void visit(Visitor && visitor) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (visitor(place<I>(), std::get<I>(arms_)), ...);
    }
    (std::index_sequence_for<S...>());
  }

  bool begin(std::coroutine_handle<> frame, detail::task_context & task) {
    task_ = &task;
    visit([&](auto, auto& arm) { arm.set_task(task); });
    chosen_ = first_ready();
    if (chosen_ != none && !had_its_turn() && task.loop->within_budget()) return false;
    task.suspend(frame, *this);
    try {
      visit([&](auto, auto& arm) {
        arm.arm();
        ++armed_;
      });
    } catch (...) {
      // An arm before this one may have woken the task, so that it cannot go on here and now.
      error_ = std::current_exception();
      disarm_all_but(none);
      task.loop->make_ready(task);
    }
    return true;
  }

  std::size_t first_ready() noexcept {
    std::size_t ready = none;
    visit([&]<std::size_t I>(place<I>, auto& arm) {
      if (ready == none && arm.poll()) ready = I;
    });
    return ready;
  }

  // Whether the chosen one lets others go first.
  bool had_its_turn() noexcept {
    bool gives_way = false;
    visit([&]<std::size_t I>(place<I>, auto& arm) {
      if (I == chosen_) gives_way = detail::gives_way(arm);
    });
    return gives_way;
  }

  // The others leave before the one commits: so nothing is armed any more if that throws. What one
  // of them gives back may be handed to another one that waits for the same: that is no reason to
  // wake the task, which runs and counts as queued meanwhile.
  void choose() {
    chosen_ = first_ready();
    const bool queued = std::exchange(task_->queued, true);
    disarm_all_but(chosen_);
    task_->queued = queued;
    if (chosen_ == none) [[unlikely]] {
      throw std::logic_error("first: an operation has woken the task, but none can be committed: " +
                             describe_wait());
    }
  }

  void disarm_all_but(std::size_t winner) noexcept {
    visit([&]<std::size_t I>(place<I>, auto& arm) {
      if (I < armed_ && I != winner) arm.disarm();
    });
    armed_ = 0;
  }

  template <class Told, class Arm>
  static void tell(Told & told, Arm & arm) {
    if constexpr (std::is_same_v<Told, bool>) {
      arm.commit();
      told = true;
    } else {
      told.emplace(arm.commit());
    }
  }

  std::tuple<S...> arms_;
  detail::task_context* task_ = nullptr;
  std::size_t chosen_ = none;
  std::size_t armed_ = 0;
  std::exception_ptr error_;
  cancel_reason cancelled_ = cancel_reason::none;
};

/// Waits until one of several operations can happen, and makes that one happen and no other.
///
///     auto turn = co_await first(peer.until_eol(), news.get(), sleep(30s));
///     auto& [typed, said, silent] = turn;
///
/// Takes operations, each as it would be awaited by itself: reads of a connection, closed(),
/// sleep(), the waits of queues, events and locks, readable(), thread(), a join_handle by its name,
/// and those of the program's own (see selectable). A task is no operation: spawn it and give its
/// handle.
///
/// Does not suspend if one of them is ready. When several are, the leftmost happens. The others
/// have consumed nothing then: bytes, lines and items are still there. Two reads of one connection
/// are one reader too many.
/// @return A tuple with a place for each operation: a std::optional of its result, or a bool if it
///         has none. Exactly one is engaged.
/// @throws What the operation throws that happens: first() with a read throws connection_closed
///         when the peer leaves.
/// @par Cancellation  Nothing is consumed.
template <class... Ops>
auto first(Ops&&... operations) {
  static_assert(sizeof...(Ops) > 0, "first(ops...) needs one operation at least");
  static_assert((detail::is_operation<Ops> && ...),
                "first(ops...) takes operations: reads, sleep(1s), queue.get(), ..., and handles "
                "of tasks; a task is started first: auto h = spawn(f, x); co_await first(h, ...)");
  if constexpr ((detail::is_operation<Ops> && ...)) {
    static_assert((std::is_constructible_v<detail::select_type_t<Ops>, Ops> && ...),
                  "first(ops...): an operation cannot be given like this; a join_handle is given "
                  "by its name: auto h = spawn(f, x); co_await first(h, ...)");
    return first_op<detail::select_type_t<Ops>...>(std::in_place, std::forward<Ops>(operations)...);
  }
}

}  // namespace cetane
