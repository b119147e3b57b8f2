#pragma once

#include <cetane/conc/group.hpp>
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/this_task.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

/// As what an element is kept while its call is under way: a reference to it, or a copy if the
/// iterator takes it along when it goes on.
template <class Iterator>
struct element_of {
  using type = decltype(*std::declval<Iterator&>())&&;
};
template <std::input_iterator Iterator>
requires(!std::forward_iterator<Iterator>) struct element_of<Iterator> {
  using type = std::iter_value_t<Iterator>;
};

/// A range that several workers go through together, each element once.
template <class Range, class Fn>
struct shared_walk {
  shared_walk(Range& range, std::size_t most, Fn& call)
      : next(std::begin(range)), end(std::end(range)), workers_left(most), fn(call) {}

  using iterator = decltype(std::begin(std::declval<Range&>()));

  /// Says whether there is an element to take; a task that is cancelled takes none.
  bool goes_on(const task_context& worker) const {
    if (next == end) return false;
    if (worker.cancel_state != cancel_reason::none) throw_cancelled(worker);
    return true;
  }

  iterator next;
  decltype(std::end(std::declval<Range&>())) end;
  std::size_t workers_left;  // that may still be started
  Fn& fn;
};

// A worker takes the next element when it has done with the one before. It starts one more first,
// so that there are never more of them than elements.
template <class Walk>
task<> walk_on(Walk& walk, group& workers) {
  const task_context& self = this_task("for_each_concurrent");
  if (walk.workers_left > 0 && walk.goes_on(self)) {
    --walk.workers_left;
    (void)workers.spawn(walk_on<Walk>, std::ref(walk), std::ref(workers));
  }
  while (walk.goes_on(self)) {
    typename element_of<typename Walk::iterator>::type element = *walk.next;
    ++walk.next;
    co_await std::invoke(walk.fn, element);
  }
}

template <class Range, class Fn>
task<> run_for_each(Range range, std::size_t limit, Fn fn) {
  shared_walk<std::remove_reference_t<Range>, Fn> walk(range, limit - 1, fn);
  const auto begin = [&](group& workers) { return walk_on(walk, workers); };
  co_await with_group(begin);
}

}  // namespace detail

/// Calls fn(element) for each element of a range, in order, and awaits what it returns, with
/// `limit` of them under way at most.
///
/// The range is kept if it is a temporary, else it outlives the await. It is read when the next
/// element is wanted, so it may be endless. The first error cancels the others, no more elements
/// are taken, and it is thrown when they have ended; see with_group().
/// @throws std::invalid_argument  (from the call) `limit` is 0.
/// @par Cancellation  Cancels those that are under way, waits for them, and throws cancelled.
template <class Range, class Fn>
task<> for_each_concurrent(Range&& range, std::size_t limit, Fn&& fn) {
  detail::guard_callable<Fn>();
  if (limit == 0)
    throw std::invalid_argument("for_each_concurrent: with a limit of 0 nothing is ever done");
  return detail::run_for_each<Range, std::decay_t<Fn>>(std::forward<Range>(range), limit,
                                                       std::forward<Fn>(fn));
}

}  // namespace cetane
