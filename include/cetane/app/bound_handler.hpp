#pragma once

#include <cetane/conc/kept_text.hpp>
#include <cetane/conc/reference_check.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane::detail {

/// A handler with the state that it is called with. A service keeps one for all its connections.
class bound_handler {
 public:
  virtual ~bound_handler() = default;

  /// Calls the handler. Throws what copying its parameters, or making its frame, throws.
  virtual task<> call(connection& peer) = 0;
};

template <class T>
T& shared_state(T& kept) noexcept {
  return kept;
}
template <class T>
T& shared_state(std::reference_wrapper<T>& kept) noexcept {
  return kept.get();
}
template <class T>
using shared_state_t = decltype(shared_state(std::declval<T&>()));

template <class Handler, class... State>
class bound_call final : public bound_handler {
 public:
  template <class H, class... S>
  explicit bound_call(H&& handler, S&&... state)
      : handler_(std::forward<H>(handler)), state_(std::forward<S>(state)...) {}

  task<> call(connection& peer) override {
    return std::apply(
        [&](auto&... kept) { return std::invoke(handler_, peer, shared_state(kept)...); }, state_);
  }

 private:
  Handler handler_;
  std::tuple<State...> state_;
};

template <class Handler, class... State>
inline constexpr bool handles_connections =
    std::is_invocable_r_v<task<>, Handler&, connection&, shared_state_t<State>...>;

template <class Handler, class... State>
std::unique_ptr<bound_handler> bind_handler(Handler&& handler, State&&... state) {
  using kept_handler = std::decay_t<Handler>;
  constexpr bool fits = handles_connections<kept_handler, kept_t<State>...>;
  static_assert(fits,
                "a service's handler is a coroutine `cetane::task<> handler(cetane::connection& "
                "peer, state&...)`, with one parameter for each further argument of the service");
  static_assert(!gets_temporary<kept_handler, connection&, shared_state_t<kept_t<State>>...>(),
                "the handler takes a reference, and what the service is given would have to be "
                "converted for it; what that makes is gone when the handler first suspends: "
                "convert it yourself, or let the handler take it by value");
  if constexpr (fits) {
    return std::make_unique<bound_call<kept_handler, kept_t<State>...>>(
        std::forward<Handler>(handler), std::forward<State>(state)...);
  } else {
    return nullptr;
  }
}

}  // namespace cetane::detail
