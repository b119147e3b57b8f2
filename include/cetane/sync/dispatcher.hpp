#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/sync/fanout.hpp>
#include <cetane/sync/queue.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class dispatcher;

namespace detail {

/// The items of one acceptor.
template <class T>
struct acceptor_state : list_hook<dispatcher<T>> {
  explicit acceptor_state(dispatcher<T>& of) noexcept : home(&of), items(unbounded) {}

  dispatcher<T>* home;  // null when that is gone
  queue<T> items;
};

}  // namespace detail

/// One who takes items of a dispatcher. When it is destroyed, what it has not taken is dispatched
/// again. Movable; one that was moved from throws std::logic_error.
template <class T>
class [[nodiscard("an acceptor that nobody keeps accepts nothing")]] acceptor {
 public:
  acceptor(acceptor &&) noexcept = default;
  acceptor& operator=(acceptor&&) = delete;
  ~acceptor() {
    if (state_ != nullptr && state_->home != nullptr) state_->home->leave(*state_);
  }

  /// Suspends until there is an item for this one, and takes it; see queue::get().
  ///
  /// @throws queue_closed  The dispatcher is gone, and all items are taken.
  auto get() { return items().get(); }
  /// As get(), but gives an empty optional when the dispatcher is gone, for loops.
  auto next() { return items().next(); }

  /// Items that wait for this one.
  std::size_t size() const { return items().size(); }

 private:
  friend dispatcher<T>;

  explicit acceptor(std::unique_ptr<detail::acceptor_state<T>> state) noexcept
      : state_(std::move(state)) {}

  queue<T>& items() const {
    if (state_ == nullptr) throw std::logic_error("this acceptor accepts nothing: it was moved");
    return state_->items;
  }

  std::unique_ptr<detail::acceptor_state<T>> state_;
};

/// Gives each item to one of those who accept, in turn. What comes while nobody accepts waits for
/// the first who does. Loop thread only; acceptors may outlive it.
template <class T>
class dispatcher {
 public:
  /// @param limit  Most items that nobody has taken, wherever they wait.
  /// @throws std::invalid_argument  `limit` is 0.
  explicit dispatcher(std::size_t limit = default_dispatcher_limit) : limit_(limit) {
    if (limit == 0) throw std::invalid_argument("a dispatcher has room for one item at least");
  }
  dispatcher(const dispatcher&) = delete;
  dispatcher& operator=(const dispatcher&) = delete;
  ~dispatcher() {
    while (detail::acceptor_state<T>* const left = acceptors_.pop_front()) {
      left->home = nullptr;
      left->items.close();
    }
  }

  /// Gives `item` to the next in turn, or leaves it alone when too many wait. Does not suspend.
  template <class U>
  requires std::is_constructible_v<T, U&&>
  bool dispatch(U&& item) {
    if (waiting() >= limit_) return false;
    give(std::forward<U>(item));
    return true;
  }

  /// Accepts from now on. The first who does gets what has waited.
  acceptor<T> accept() {
    auto state = std::make_unique<detail::acceptor_state<T>>(*this);
    while (std::optional<T> item = backlog_.try_get()) state->items.try_put(*std::move(item));
    acceptors_.push_back(*state);
    return acceptor<T>(std::move(state));
  }

  /// Items that nobody has taken.
  std::size_t waiting() noexcept {
    std::size_t count = backlog_.size();
    for (const detail::acceptor_state<T>& each : acceptors_) count += each.items.size();
    return count;
  }

 private:
  friend acceptor<T>;

  // The limit is not asked: the items were counted already. What there is no memory for is lost.
  void leave(detail::acceptor_state<T>& gone) noexcept {
    gone.unlink();
    while (std::optional<T> item = gone.items.try_get()) {
      try {
        give(*std::move(item));
      } catch (...) {
        detail::report_failed("dispatching again what an acceptor has left");
      }
    }
  }

  template <class U>
  void give(U&& item) {
    if (acceptors_.empty()) {
      backlog_.try_put(std::forward<U>(item));
      return;
    }
    detail::acceptor_state<T>& next = acceptors_.front();
    next.items.try_put(std::forward<U>(item));
    next.unlink();
    acceptors_.push_back(next);
  }

  std::size_t limit_;
  queue<T> backlog_{unbounded};
  intrusive_list<detail::acceptor_state<T>, dispatcher<T>> acceptors_;
};

}  // namespace cetane
