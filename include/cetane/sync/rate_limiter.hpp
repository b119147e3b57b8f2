#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/runtime/timer.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <string>

namespace cetane {

class rate_limiter;

/// Waits for a share of a rate; see rate_limiter::acquire().
class [[nodiscard("acquire() does nothing until it is awaited")]] rate_op {
 public:
  rate_op(rate_limiter & from, std::size_t count) noexcept : from_(from), count_(count) {}

  class CETANE_API select_type final : public detail::line_place {
   public:
    explicit select_type(const rate_op& op) noexcept : from_(op.from_), count_(op.count_) {}
    ~select_type() { disarm(); }

    bool poll() const noexcept;
    void arm() noexcept;
    void disarm() noexcept;
    void commit() noexcept;
    std::string describe_wait() const;

   private:
    friend rate_limiter;

    rate_limiter& from_;
    std::size_t count_;
  };

  sole_wait<select_type> operator co_await() const noexcept {
    return sole_wait<select_type>(*this);
  }

 private:
  rate_limiter& from_;
  std::size_t count_;
};

/// So many a second, evenly: at first a burst, then one after the other. First come, first served.
///
/// Loop thread only; it outlives those who wait.
class CETANE_API rate_limiter : detail::timer {
 public:
  /// @param per_second  The rate; more than 1,000,000,000 count as that many.
  /// @param burst       How many may come at once when nobody has come for some time.
  /// @throws std::invalid_argument  One of them is not above 0, or is beyond the clock.
  explicit rate_limiter(double per_second, std::size_t burst = 1);

  /// Suspends until `n` more may come.
  ///
  /// @throws std::invalid_argument  `n` is more than the burst: they never may.
  /// @par Cancellation  They have not come.
  rate_op acquire(std::size_t n = 1);

  /// Takes `n`, if they may come now and nobody waits.
  bool try_acquire(std::size_t n = 1);

 private:
  friend rate_op::select_type;

  bool may(std::size_t n, time_point now) const noexcept;
  time_point ready_at(std::size_t n) const noexcept;
  void take(std::size_t n, time_point now) noexcept;
  void hand_out() noexcept;
  void on_timer() noexcept override;
  void check(std::size_t n) const;

  duration pause_;  // between two
  std::size_t burst_;
  time_point paid_until_ = time_point::min();  // when all that have come are evenly spread
  detail::wait_line line_;
};

}  // namespace cetane
