#pragma once

#include <cetane/conc/crew.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

// Starts tasks in their order. What has been started when one cannot be is joined like any other.
template <class... T>
void start_all(crew& members, std::tuple<join_handle<T>...>& handles, task<T>&&... made) noexcept {
  std::exception_ptr failed;
  const auto start = [&](auto& handle, auto&& each) {
    if (failed) return;
    try {
      handle = members.adopt(std::move(each));
    } catch (...) {
      failed = std::current_exception();
    }
  };
  std::apply([&](auto&... each) { (start(each, std::move(made)), ...); }, handles);
  members.owner_ended(failed);
}

template <class T>
part_t<T> take_part(join_handle<T>& of) {
  if constexpr (std::is_void_v<T>) {
    take_result(of);
    return true;
  } else {
    return take_result(of);
  }
}

template <class... T>
using all_result_t = std::conditional_t<(std::is_void_v<T> && ...), void, std::tuple<part_t<T>...>>;

// The task that this returns is awaited in the expression that made the others.
template <class... T>
task<all_result_t<T...>> run_all(task<T>&&... made) {
  crew members(crew::end_by::any_error);
  std::tuple<join_handle<T>...> handles;
  start_all(members, handles, std::move(made)...);
  co_await members.join();
  members.finish();
  if constexpr (!(std::is_void_v<T> && ...)) {
    co_return std::apply([](auto&... each) { return std::tuple<part_t<T>...>(take_part(each)...); },
                         handles);
  }
}

}  // namespace detail

/// Runs tasks side by side and waits until all have ended.
///
///     co_await all(pump(client, server), pump(server, client));
///
/// The first error cancels the others, and is thrown when they have ended; see with_group().
/// @return A tuple of the results, with `true` for a task<>; nothing if they are all task<>.
/// @par Cancellation  Cancels them, waits for them, and throws cancelled if that has cut one short.
template <class... T>
task<detail::all_result_t<T...>> all(task<T>&&... tasks) {
  static_assert(sizeof...(T) > 0, "all(tasks...) needs one task at least");
  return detail::run_all(std::move(tasks)...);
}

}  // namespace cetane
