#pragma once

#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

/// A task that another thread wants a loop to start.
template <class Fn, class... Args>
class forked_message final : public message {
 public:
  template <class F, class... As>
  explicit forked_message(event_loop& loop, F&& fn, As&&... args)
      : loop_(loop), fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  void deliver() override {
    std::apply(
        [this](auto&... kept) {
          (void)spawn_in(loop_, loop_.home(), std::move(fn_), std::move(kept)...);
        },
        args_);
  }

 private:
  event_loop& loop_;
  Fn fn_;
  std::tuple<Args...> args_;
};

}  // namespace detail

/// Starts fn(args...) as a task of `loop`, from any thread: diesel's fork_from_thread.
///
///     event_loop& loop = *event_loop::current();  // in a task
///     std::thread([&loop] { fork_from_thread(loop, announce, read_sensor()); });
///
/// Does not wait: the loop starts it in its next pass, in the group of the application that runs
/// there, as fork() does. `fn` and `args` are copied or moved into the task. An exception that ends
/// it is logged.
/// @return False when 65,536 messages wait for the loop already: nothing is started.
/// @par Lifetime  The loop outlives the call.
template <class Fn, class... Args>
bool fork_from_thread(event_loop& loop, Fn&& fn, Args&&... args) {
  using forked = detail::forked_message<std::decay_t<Fn>, detail::kept_t<Args>...>;
  return loop.post_message(
      std::make_unique<forked>(loop, std::forward<Fn>(fn), std::forward<Args>(args)...));
}

}  // namespace cetane
