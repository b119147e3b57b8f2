#pragma once

#include <cetane/conc/kept_text.hpp>
#include <cetane/conc/reference_check.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/runtime/spans_loops.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace cetane::detail {

/// A handler with the state that it is called with. A service keeps one for all that it serves.
///
/// `Peer` is what a handler is given first: a connection, for example.
template <class Peer>
class handler_of {
 public:
  virtual ~handler_of() = default;

  /// Calls the handler. Throws what copying its parameters, or making its frame, throws.
  virtual task<> call(Peer& peer) = 0;

  /// One more of it, for another loop; null if something of it belongs to one loop.
  virtual std::unique_ptr<handler_of> for_another_loop() const { return nullptr; }
  /// What that is; null if nothing is.
  virtual const std::type_info* bound_to_one_loop() const noexcept { return &typeid(*this); }
};
using bound_handler = handler_of<connection>;

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

template <class Peer, class Handler, class... State>
class bound_call final : public handler_of<Peer> {
 public:
  template <class H, class... S>
  explicit bound_call(H&& handler, S&&... state)
      : handler_(std::forward<H>(handler)), state_(std::forward<S>(state)...) {}

  task<> call(Peer& peer) override {
    return std::apply(
        [&](auto&... kept) { return std::invoke(handler_, peer, shared_state(kept)...); }, state_);
  }

  std::unique_ptr<handler_of<Peer>> for_another_loop() const override {
    if constexpr (crosses_loops<Handler> && (crosses_loops<State> && ...)) {
      return std::make_unique<bound_call>(*this);
    } else {
      return nullptr;
    }
  }

  const std::type_info* bound_to_one_loop() const noexcept override {
    const std::type_info* found = crosses_loops<Handler> ? nullptr : &typeid(Handler);
    ((found = crosses_loops<State> ? found : &typeid(State)), ...);
    return found;
  }

 private:
  Handler handler_;
  std::tuple<State...> state_;
};

template <class Peer, class Handler, class... State>
inline constexpr bool can_handle =
    std::is_invocable_r_v<task<>, std::decay_t<Handler>&, Peer&, shared_state_t<kept_t<State>>...>;

/// Binds a handler that can_handle, and that takes no reference to a temporary.
template <class Peer, class Handler, class... State>
std::unique_ptr<handler_of<Peer>> bind_handler_of(Handler&& handler, State&&... state) {
  using kept_handler = std::decay_t<Handler>;
  constexpr bool fits = can_handle<Peer, Handler, State...>;
  static_assert(
      !gets_temporary<kept_handler, Peer&, shared_state_t<kept_t<State>>...>(),
      "the handler takes a reference, and what the service is given would have to be converted for "
      "it; what that makes is gone when the handler first suspends: convert it yourself, or let "
      "the handler take it by value");
  if constexpr (fits) {
    return std::make_unique<bound_call<Peer, kept_handler, kept_t<State>...>>(
        std::forward<Handler>(handler), std::forward<State>(state)...);
  } else {
    return nullptr;
  }
}

template <class Handler, class... State>
std::unique_ptr<bound_handler> bind_handler(Handler&& handler, State&&... state) {
  constexpr bool fits = can_handle<connection, Handler, State...>;
  static_assert(fits,
                "a service's handler is a coroutine `cetane::task<> handler(cetane::connection& "
                "peer, state&...)`, with one parameter for each further argument of the service");
  return bind_handler_of<connection>(std::forward<Handler>(handler), std::forward<State>(state)...);
}

}  // namespace cetane::detail
