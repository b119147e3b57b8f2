#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class topic;

namespace detail {

CETANE_API std::string topic_text();

/// A wait for the next value.
template <class T>
class topic_wait final : public line_place {
 public:
  using source_type = topic<T>;

  explicit topic_wait(wait_op<topic_wait> op) noexcept : topic_(op.source()) {}
  explicit topic_wait(topic<T>& source) noexcept : topic_(source) {}

  bool poll() const noexcept { return granted(); }
  void arm() noexcept { topic_.line_.join(*this); }
  void disarm() noexcept { leave(); }
  T commit() {
    leave();
    return *std::move(value_);
  }
  std::string describe_wait() const { return topic_text(); }

 private:
  friend topic<T>;

  topic<T>& topic_;
  std::optional<T> value_;
};

}  // namespace detail

/// wait and fire: whoever waits at that moment gets a copy of the value, and nothing is kept for
/// who comes later. For that there is fanout. Loop thread only; it outlives those who wait.
template <class T>
class topic {
 public:
  topic() noexcept = default;
  topic(const topic&) = delete;
  topic& operator=(const topic&) = delete;

  /// Suspends until the next fire(), and gives its value.
  ///
  /// Always suspends.
  detail::wait_op<detail::topic_wait<T>> wait() noexcept {
    return detail::wait_op<detail::topic_wait<T>>(*this);
  }

  /// Wakes all who wait now, first come, first served.
  ///
  /// @return How many there were.
  std::size_t fire(const T& value) {
    std::size_t woken = 0;
    for (; !line_.empty(); ++woken) {
      static_cast<detail::topic_wait<T>&>(line_.front()).value_.emplace(value);
      line_.grant_front();
    }
    return woken;
  }

 private:
  friend detail::topic_wait<T>;

  detail::wait_line line_;
};

}  // namespace cetane
