#pragma once

#include <type_traits>
#include <utility>

namespace cetane {

/// Calls a function when the scope is left, in whatever way.
///
/// For clean-up that never waits; an exception out of the function ends the program, as out of any
/// destructor.
///
/// `const cetane::scope_exit leave([&] { names.erase(nick); });`
template <class Function>
class [[nodiscard("an unnamed scope_exit runs at once")]] scope_exit {
 public:
  static_assert(std::is_invocable_v<Function&>, "scope_exit takes a function without parameters");

  explicit scope_exit(Function at_exit) : at_exit_(std::move(at_exit)) {}
  scope_exit(const scope_exit&) = delete;
  scope_exit& operator=(const scope_exit&) = delete;
  ~scope_exit() {
    if (armed_) at_exit_();
  }

  /// Forgets the function: leaving the scope does nothing.
  void release() noexcept { armed_ = false; }

 private:
  Function at_exit_;
  bool armed_ = true;
};

}  // namespace cetane
