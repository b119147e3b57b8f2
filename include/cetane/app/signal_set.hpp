#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>

namespace cetane {

class signal_set;

namespace detail {

class signal_hub;

/// A wait for a signal.
class CETANE_API signal_wait final : public line_place {
 public:
  using source_type = signal_set;

  explicit signal_wait(wait_op<signal_wait> op) noexcept : set_(op.source()) {}
  ~signal_wait() { disarm(); }

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept;
  int commit() noexcept;
  std::string describe_wait() const;

 private:
  friend signal_set;

  signal_set& set_;
  int number_ = 0;  // once granted
};

}  // namespace detail

/// Signals of the operating system, to wait for: `signal_set reload(SIGHUP);`
///
/// As long as it lives they do nothing else: it remembers those that come while nobody waits, each
/// once, and goes on after the first. Any number of sets may have the same signal, and each hears
/// of it. Make it in a task, before other threads of yours start; it outlives those who wait, and
/// its event loop outlives it. Loop thread only.
class CETANE_API signal_set : public list_hook<> {
 public:
  /// @throws std::invalid_argument  That is no signal, or one that nobody can wait for.
  /// @throws std::logic_error       A handler is installed for one of them, the application handles
  ///                                it, or the network is simulated.
  /// @throws error                  There is no descriptor left.
  template <std::same_as<int>... Numbers>
  explicit signal_set(int number, Numbers... more)
      : signal_set(in_bits{}, (bit(number) | ... | bit(more))) {}
  signal_set(const signal_set&) = delete;
  signal_set& operator=(const signal_set&) = delete;
  ~signal_set();

  /// Suspends until one of the signals comes, and gives its number. It wakes all who wait then.
  ///
  /// @par Cancellation  No signal is lost.
  detail::wait_op<detail::signal_wait> wait() noexcept {
    return detail::wait_op<detail::signal_wait>(*this);
  }

 private:
  friend detail::signal_wait;
  friend detail::signal_hub;

  struct in_bits {};
  signal_set(in_bits, std::uint64_t wanted);
  static std::uint64_t bit(int number);

  void arrived(int number) noexcept;
  int take_first() noexcept;
  void give_back(int number) noexcept;

  std::uint64_t wanted_;
  std::uint64_t remembered_ = 0;
  std::uint64_t heard_ = 0;  // taken by somebody since they came last
  detail::wait_line line_;
  std::shared_ptr<detail::signal_hub> hub_;
};

}  // namespace cetane
