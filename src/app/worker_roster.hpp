#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/conc/backoff.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cetane::detail {

/// Which workers a master has, and what it has to do next: start one, or let one go.
///
/// It knows neither processes nor clocks. Until the first worker has come up, only one is tried at
/// a time, since what keeps one from starting keeps all. After restart_all() each worker of before
/// is let go once a new one is up, so there are never fewer than wanted.
class worker_roster {
 public:
  explicit worker_roster(std::size_t wanted);

  enum class order : std::uint8_t { wait, start, let_go };
  struct command {
    order what = order::wait;
    int worker = 0;  // who is let go
  };
  /// What to do now. Asked again and again until it says wait.
  command next(time_point now) const noexcept;
  /// When it may say something else although nothing has happened; never if it will not.
  time_point wake_at() const noexcept { return next_start_; }

  void started(int worker, time_point now);
  void ready(int worker) noexcept;
  /// It ends by itself, or has been told to.
  void leaves(int worker) noexcept;
  /// It has ended. Gives the pause before another one takes its place, or less than nothing if that
  /// was to be expected.
  duration ended(int worker, time_point now) noexcept;
  /// None could be made. Gives the pause before the next attempt.
  duration start_failed(time_point now) noexcept;

  void restart_all() noexcept;
  void stop() noexcept { stopping_ = true; }

  bool stopping() const noexcept { return stopping_; }
  bool is_ready(int worker) const noexcept;
  bool any_was_ready() const noexcept { return any_was_ready_; }
  /// None has ever come up, in five attempts.
  bool hopeless() const noexcept;

 private:
  enum class phase : std::uint8_t { starting, serving, leaving };
  struct entry {
    int worker;
    phase at;
    std::uint64_t generation;
    time_point since;
  };

  entry* find(int worker) noexcept;
  duration pause(time_point now) noexcept;

  const std::size_t wanted_;
  std::vector<entry> entries_;  // the oldest first
  std::uint64_t generation_ = 0;
  backoff pause_;
  time_point next_start_ = never;  // while a start is put off
  unsigned failed_starts_ = 0;
  bool any_was_ready_ = false;
  bool stopping_ = false;
};

}  // namespace cetane::detail
