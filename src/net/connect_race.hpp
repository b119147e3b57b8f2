#pragma once

#include <net/connect_attempt.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>
#include <cetane/runtime/timer.hpp>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace cetane::detail {

/// The addresses of a host in the order of RFC 8305, section 4: as they come, but the two families
/// by turns, so that one of them that does not work costs one attempt.
std::vector<address> by_turns(std::vector<address> addresses);

/// Attempts to reach one of several addresses, "happy eyeballs" (RFC 8305, section 5): while those
/// that were begun have not answered the next one begins after a delay, or at once when one fails.
/// The first that connects wins, and the others are closed.
///
///     race.begin_next();
///     while (!race.over()) {
///       co_await race.change();
///       race.begin_next();
///     }
///
/// What the loop calls only notes what has happened, and wakes the task: an attempt needs memory,
/// and where there is none it is the task that fails.
class connect_race final : connect_attempt::observer, timer, waitable {
  using observer = connect_attempt::observer;

 public:
  /// @param from  The local address, which outlives the race; null for any.
  connect_race(event_loop& loop, std::vector<address> choices, const address* from, duration delay);

  /// Begins attempts until one is under way; does nothing when the race is over.
  void begin_next();

  /// Somebody has won, or all have failed.
  bool over() const noexcept {
    return winner_ != nullptr || (under_way_ == 0 && attempts_.size() == choices_.size());
  }

  /// Who has won; null: nobody.
  connect_attempt* winner() const noexcept { return winner_; }

  /// When nobody has won: why the first has failed, which the system takes for the best.
  std::error_code first_failure() const;

  /// What has become of each attempt: "10.0.0.2:80: connection refused; [fd00::2]:80: no answer".
  std::string account() const;

  /// Waits until the race is over, or the next attempt is to begin.
  class changing {
   public:
    explicit changing(connect_race& race) noexcept : race_(race) {}

    bool await_ready() const noexcept { return race_.changed_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      race_.task_ = frame.promise().context;
      race_.task_->suspend(frame, race_);
    }
    void await_resume() const { race_.take_change(); }

   private:
    connect_race& race_;
  };
  changing change() noexcept { return changing(*this); }

 private:
  void on_end(connect_attempt& attempt) noexcept override;
  void on_timer() noexcept override { tell(); }
  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;

  void tell() noexcept;
  void take_change();
  void win(connect_attempt& attempt) noexcept;

  event_loop& loop_;
  const std::vector<address> choices_;
  const address* const from_;
  const duration delay_;
  std::vector<std::unique_ptr<connect_attempt>> attempts_;  // of the first choices
  std::size_t under_way_ = 0;
  connect_attempt* winner_ = nullptr;
  task_context* task_ = nullptr;  // while it waits
  cancel_reason cancelled_ = cancel_reason::none;
  bool changed_ = false;
};

}  // namespace cetane::detail
