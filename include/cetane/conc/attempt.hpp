#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/await_result.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/this_task.hpp>

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {
/// What an exception says of itself.
CETANE_API std::string error_text(const std::exception_ptr& error);
}  // namespace detail

/// A value, or the error that came instead of it: what attempt() gives.
template <class T>
class [[nodiscard]] result {
 public:
  explicit result(T value) : value_(std::move(value)) {}
  explicit result(std::exception_ptr error) noexcept : error_(std::move(error)) {}

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; the result has one.
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  /// The value, or throws the error.
  T& value() & { return rethrow_if_error(), *value_; }
  T&& value() && { return rethrow_if_error(), *std::move(value_); }

  /// What the error says of itself; empty if there is none.
  std::string error() const { return error_ ? detail::error_text(error_) : std::string(); }

  /// The error itself, or null.
  const std::exception_ptr& exception() const noexcept { return error_; }

  /// Throws the error; the result has one.
  [[noreturn]] void rethrow() const { std::rethrow_exception(error_); }

 private:
  void rethrow_if_error() const {
    if (error_) rethrow();
  }

  std::optional<T> value_;
  std::exception_ptr error_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  result() noexcept = default;
  explicit result(std::exception_ptr error) noexcept : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (error_) rethrow();
  }
  std::string error() const { return error_ ? detail::error_text(error_) : std::string(); }
  const std::exception_ptr& exception() const noexcept { return error_; }
  [[noreturn]] void rethrow() const { std::rethrow_exception(error_); }

 private:
  std::exception_ptr error_;
};

namespace detail {

template <class Op>
using attempt_t = result<std::remove_cvref_t<await_result_t<Op>>>;

// The task that this returns is awaited in the expression that made `op`.
template <class Op>
task<attempt_t<Op>> run_attempt(Op&& op) {
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<await_result_t<Op>>) {
      co_await std::forward<Op>(op);
      co_return attempt_t<Op>();
    } else {
      co_return attempt_t<Op>(co_await std::forward<Op>(op));
    }
  } catch (const cancelled&) {
    if (this_task("attempt").cancel_state != cancel_reason::none) throw;
    error = std::current_exception();
  } catch (...) {
    error = std::current_exception();
  }
  co_return attempt_t<Op>(std::move(error));
}

}  // namespace detail

/// Awaits `op` and gives what came of it as a value: its result, or its error.
///
///     const auto page = co_await attempt(with_timeout(10s, fetch(host)));
///     if (!page) log::warning("{}: {}", host, page.error());
///
/// Takes anything that can be awaited. Never throws what `op` throws, save `cancelled` when this
/// task is cancelled; a join_handle of another task that was cancelled gives an error.
/// @par Cancellation  As that of `op`.
/// @par Lifetime      `op` outlives the await: make it in the same expression.
template <class Op>
task<detail::attempt_t<Op>> attempt(Op&& op) {
  return detail::run_attempt<Op>(std::forward<Op>(op));
}

}  // namespace cetane
