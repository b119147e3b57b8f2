#pragma once

#include <support/make_test_backend.hpp>

#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <runtime/backend.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace cetane::test {

/// An event loop of its own for one test, on the backend that CETANE_TEST_BACKEND names.
class test_loop {
 public:
  test_loop() : test_loop(make_test_backend()) {}
  explicit test_loop(std::unique_ptr<detail::backend> io) : loop_(std::move(io)) {}

  event_loop& loop() noexcept { return loop_; }
  operator event_loop&() noexcept { return loop_; }

  /// Starts a task without running it.
  template <class Fn, class... Args>
  auto spawn(Fn&& fn, Args&&... args) {
    return detail::spawn_in(loop_, loop_.scope(), std::forward<Fn>(fn),
                            std::forward<Args>(args)...);
  }

  /// Runs fn(args...) as a task to its end and gives its result; what it throws is thrown here.
  template <class Fn, class... Args>
  auto run(Fn&& fn, Args&&... args) {
    auto outer = [](auto task_of, auto& out, std::exception_ptr& failed) -> task<> {
      try {
        if constexpr (std::is_void_v<typename decltype(task_of())::value_type>) {
          co_await task_of();
          out = true;
        } else {
          out = co_await task_of();
        }
      } catch (...) {
        failed = std::current_exception();
      }
    };
    auto call = [&] { return std::invoke(fn, args...); };
    using value = typename decltype(call())::value_type;
    std::optional<std::conditional_t<std::is_void_v<value>, bool, value>> out;
    std::exception_ptr failed;
    auto handle = spawn(outer, call, std::ref(out), std::ref(failed));
    loop_.run_until([&] { return handle.done(); });
    if (failed) std::rethrow_exception(failed);
    if constexpr (!std::is_void_v<value>) return std::move(*out);
  }

 private:
  event_loop loop_;
};

}  // namespace cetane::test
