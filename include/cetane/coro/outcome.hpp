#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace cetane::detail {

/// Out of line, so that what ends well needs no room for the other case.
[[noreturn, gnu::cold, gnu::noinline]] inline void throw_again(const std::exception_ptr& error) {
  std::rethrow_exception(error);
}

/// What a finished frame left behind: a value, or the exception that ended it.
///
/// It may be set twice: a destructor that throws after co_return has given the value sends the body
/// into its catch blocks, or ends it.
template <class T>
class outcome {
  static_assert(alignof(T) <= alignof(std::max_align_t),
                "task<T>: frames are aligned for fundamental types only, so an over-aligned T "
                "needs a home of its own; return a std::unique_ptr<T>");

 public:
  outcome() noexcept {}
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;
  ~outcome() { destroy(); }

  template <class U>
  void set_value(U&& value) {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (state_ != state::empty) [[unlikely]]
        clear();
    }
    std::construct_at(&value_, std::forward<U>(value));
    state_ = state::value;
  }
  void set_error(std::exception_ptr error) noexcept {
    clear();
    std::construct_at(&error_, std::move(error));
    state_ = state::error;
  }
  bool has_error() const noexcept { return state_ == state::error; }
  std::exception_ptr error() const noexcept {
    return state_ == state::error ? error_ : std::exception_ptr();
  }
  bool has_value() const noexcept { return state_ == state::value; }
  T take() {
    if (state_ == state::error) [[unlikely]]
      throw_again(error_);
    return std::move(value_);
  }

  /// Moves in what `other` holds; an exception thrown by the move takes the value's place. Says
  /// whether it is an error now.
  bool take_from(outcome& other) noexcept {
    if (other.state_ == state::error) [[unlikely]] {
      set_error(std::move(other.error_));
    } else if (other.state_ == state::value) {
      try {
        set_value(std::move(other.value_));
      } catch (...) {
        set_error(std::current_exception());
      }
    }
    return has_error();
  }

 private:
  enum class state : unsigned char { empty, value, error };

  void destroy() noexcept {
    if (state_ == state::value) std::destroy_at(&value_);
    if (state_ == state::error) std::destroy_at(&error_);
  }
  [[gnu::cold, gnu::noinline]] void clear() noexcept {
    destroy();
    state_ = state::empty;
  }

  union {
    T value_;
    std::exception_ptr error_;
  };
  state state_ = state::empty;
};

template <class T>
class outcome<T&> {
 public:
  void set_value(T& value) noexcept { value_ = &value; }
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }
  bool has_error() const noexcept { return error_ != nullptr; }
  std::exception_ptr error() const noexcept { return error_; }
  bool has_value() const noexcept { return value_ != nullptr; }
  T& take() {
    if (error_) [[unlikely]]
      throw_again(error_);
    return *value_;
  }
  bool take_from(outcome& other) noexcept {
    value_ = other.value_;
    error_ = std::move(other.error_);
    return has_error();
  }

 private:
  T* value_ = nullptr;
  std::exception_ptr error_;
};

template <>
class outcome<void> {
 public:
  void set_value() noexcept {}
  [[gnu::cold, gnu::noinline]] void set_error(std::exception_ptr error) noexcept {
    error_ = std::move(error);
  }
  bool has_error() const noexcept { return error_ != nullptr; }
  std::exception_ptr error() const noexcept { return error_; }
  bool has_value() const noexcept { return !error_; }
  void take() {
    if (error_) [[unlikely]]
      throw_again(error_);
  }
  bool take_from(outcome& other) noexcept {
    if (!other.error_) [[likely]]
      return false;
    take_error_from(other);
    return true;
  }

 private:
  [[gnu::cold, gnu::noinline]] void take_error_from(outcome& other) noexcept {
    error_ = std::move(other.error_);
  }

  std::exception_ptr error_;
};

}  // namespace cetane::detail
