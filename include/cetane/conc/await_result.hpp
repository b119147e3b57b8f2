#pragma once

#include <cetane/coro/promise.hpp>

#include <type_traits>
#include <utility>

namespace cetane::detail {

template <class Op>
concept is_awaiter = requires(std::remove_reference_t<Op>& op) {
  op.await_ready();
  op.await_resume();
};

template <class Op>
constexpr auto await_result() {
  if constexpr (makes_awaiter<Op>) {
    return std::type_identity<decltype(std::declval<Op>().operator co_await().await_resume())>{};
  } else if constexpr (is_awaiter<Op>) {
    return std::type_identity<
        decltype(std::declval<std::remove_reference_t<Op>&>().await_resume())>{};
  } else {
    static_assert(sizeof(Op) == 0,
                  "this cannot be awaited; give the call itself: a task, a read, sleep(1s), ...");
  }
}

/// What `co_await op` gives, for an `op` that is passed on as Op&&.
template <class Op>
using await_result_t = typename decltype(await_result<Op>())::type;

}  // namespace cetane::detail
