#pragma once

#include <cetane/conc/all.hpp>
#include <cetane/conc/crew.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

namespace cetane {

namespace detail {

template <class... T>
task<std::tuple<told_t<T>...>> run_race(task<T>&&... made) {
  crew members(crew::end_by::any);
  std::tuple<join_handle<T>...> handles;
  start_all(members, handles, std::move(made)...);
  co_await members.join();
  members.finish();

  std::tuple<told_t<T>...> result;
  const auto tell = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    if (I == members.winner()) std::get<I>(result) = take_part(std::get<I>(handles));
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (tell(std::integral_constant<std::size_t, I>()), ...);
  }
  (std::index_sequence_for<T...>());
  co_return result;
}

}  // namespace detail

/// Runs tasks side by side until the first of them ends; the others are cancelled, with the reason
/// `sibling`, and joined.
///
/// What the first ends with counts, be it an error. A loser that ends with a value in spite of the
/// cancel has its value dropped, and its error is logged; so where a loser must not consume
/// anything, give the operations to first() instead.
/// @return A tuple with a place for each task: a std::optional of its result, or a bool for a
///         task<>. Exactly one is engaged.
/// @par Cancellation  Cancels them, waits for them, and throws cancelled unless one has ended by
///                    itself.
template <class... T>
task<std::tuple<detail::told_t<T>...>> race(task<T>&&... tasks) {
  static_assert(sizeof...(T) > 0, "race(tasks...) needs one task at least");
  return detail::run_race(std::move(tasks)...);
}

}  // namespace cetane
