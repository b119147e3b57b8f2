#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane::detail {

/// Says whether an error is a `cancelled`.
CETANE_API bool is_cancelled(const std::exception_ptr& error) noexcept;

/// Tasks that are started together, and joined together by the task that started them: what is
/// behind with_group(), all() and race().
///
/// As long as the object lives, its owner and the members are in its scope. The owner always waits
/// for all members, also when it is cancelled itself: they are, too.
class CETANE_API crew {
 public:
  enum class end_by : std::uint8_t {
    error,      ///< a member's error ends the others
    any_error,  ///< so does a member that ends as cancelled by itself
    any,        ///< the first to end ends the others
  };
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  explicit crew(end_by rule);
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { leave(); }

  cancel_scope& scope() noexcept { return scope_; }
  event_loop& loop() const noexcept { return loop_of(owner_); }
  std::size_t running() const noexcept { return running_; }

  /// The member that ended first, by the order in which they were started; with end_by::any only.
  std::size_t winner() const noexcept { return winner_; }

  /// What the owner itself did in the scope has ended by an exception, or not (null).
  void owner_ended(const std::exception_ptr& error) noexcept;

  /// Awaits the end of all members. Is not cancelled: they end soon if the owner is.
  class joining final : public waitable {
   public:
    static constexpr bool ignores_cancel = true;

    explicit joining(crew& members) noexcept : crew_(members) {}
    bool await_ready() const noexcept {
      crew_.pass_on_cancel();
      return crew_.running_ == 0;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      crew_.joined_ = true;
      crew_.owner_.suspend(frame, *this);
    }
    void await_resume() const noexcept {}
    void cancel_wait(task_context& task) noexcept override {
      if (task.queued) {  // it is being destroyed
        crew_.joined_ = false;
        return;
      }
      task.waiting = this;
      crew_.pass_on_cancel();
    }
    CETANE_API std::string describe_wait() const override;
    CETANE_API void tell_causes(wait_causes& to) const override;
    wait_kind kind_of_wait() const noexcept override { return wait_kind::members; }

   private:
    crew& crew_;
  };
  joining join() noexcept { return joining(*this); }

  /// Leaves the scope, and throws what there is to throw: the first error, or that the owner is
  /// cancelled outside of the scope, if that has cut something short.
  void finish();

  /// The place of one member: its number.
  class tie {
   public:
    using to = crew;
    tie(task_context&, to& members) noexcept : crew_(members), number_(members.started_) {}
    bool ended(const auto& record) noexcept { return crew_.ended(number_, record.error()); }

   private:
    crew& crew_;
    std::size_t number_;
  };

  template <class Fn, class... Args>
  auto spawn(Fn&& fn, Args&&... args) {
    auto handle =
        spawn_tied<tie>(loop(), scope_, *this, std::forward<Fn>(fn), std::forward<Args>(args)...);
    ++started_;
    ++running_;
    return handle;
  }

  /// Starts a task that was made by its caller, in the expression that awaits the crew's end.
  template <class T>
  join_handle<T> adopt(task<T>&& made);

 private:
  bool ended(std::size_t number, const std::exception_ptr& error) noexcept;
  bool note(const std::exception_ptr& error) noexcept;
  void pass_on_cancel() noexcept;
  void leave() noexcept;

  task_context& owner_;
  cancel_scope scope_;
  std::exception_ptr first_error_;
  std::vector<std::exception_ptr> others_;
  std::size_t started_ = 0;
  std::size_t running_ = 0;
  std::size_t winner_ = nobody;
  end_by rule_;
  bool joined_ = false;     // the owner waits for the members
  bool cut_short_ = false;  // somebody did not come to its end, because the scope is cancelled
  bool left_ = false;
};

/// A task that was made before it is started; whoever made it keeps its arguments.
template <class T>
class adopted_task final : public spawned<T>, crew::tie {
 public:
  adopted_task(crew& by, task<T>&& made) noexcept : crew::tie(*this, by), made_(std::move(made)) {}

  std::coroutine_handle<> make_root() noexcept { return std::move(made_).release(); }

 private:
  void on_finished() noexcept override {
    this->end_frame();
    if (crew::tie::ended(*this)) this->leave_report();
    this->end();
  }

  task<T>&& made_;  // used before its end, in make_root()
};

template <class T>
join_handle<T> crew::adopt(task<T>&& made) {
  auto handle =
      start_call(loop(), scope_, std::make_unique<adopted_task<T>>(*this, std::move(made)));
  ++started_;
  ++running_;
  return handle;
}

/// A function's result as a part of a tuple: `void` is true.
template <class T>
using part_t = std::conditional_t<std::is_void_v<T>, bool, T>;

}  // namespace cetane::detail
