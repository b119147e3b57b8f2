// What thread() hands to the offload pool, and how its task waits for it.
#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace cetane::detail {

class offload_caller;
class offload_pool;

/// A call on its way through the offload pool and back into its loop's mailbox.
class CETANE_API offloaded_call : public message, public list_hook<offload_pool> {
 public:
  /// Makes the call and keeps what came of it. On a thread of the pool.
  virtual void run() noexcept = 0;

  /// What the call threw, if it did.
  virtual std::exception_ptr error() const noexcept = 0;

  void deliver() final;

 protected:
  /// Gives the result to who waits for it. On the loop's thread.
  virtual void hand_over(offload_caller& to) noexcept = 0;

 private:
  friend offload_caller;
  friend offload_pool;

  enum class place : std::uint8_t { none, in_line, for_room };

  offload_pool* pool_ = nullptr;
  event_loop* loop_ = nullptr;        // who gets the answer; null when nobody waits for it
  offload_caller* caller_ = nullptr;  // read on the loop's thread only
  place place_ = place::none;
};

/// Who has a call made, one at a time, and is told when it has been.
class CETANE_API offload_caller {
 public:
  offload_caller(const offload_caller&) = delete;
  offload_caller& operator=(const offload_caller&) = delete;

 protected:
  offload_caller() noexcept = default;
  ~offload_caller() { give_up(); }

  /// @throws error  There is no thread, and none can be started.
  void begin(event_loop& loop, std::unique_ptr<offloaded_call> call);

  /// Waits for the answer no more; a call that has not begun is not made.
  void give_up() noexcept;

  /// Gives up a call that has not begun. False: it runs, or has been made.
  bool give_up_unless_begun() noexcept;

 private:
  friend offloaded_call;

  /// The call has handed over its result.
  virtual void on_answer() noexcept = 0;

  event_loop* loop_ = nullptr;
  offloaded_call* call_ = nullptr;  // while it is under way
};

/// The wait of a task for a call on the offload pool.
class CETANE_API offload_wait : public selectable, public offload_caller {
 public:
  bool poll() const noexcept { return answered_; }
  void disarm() noexcept { give_up(); }
  std::string describe_wait() const;

 protected:
  offload_wait() noexcept = default;
  ~offload_wait() = default;

  void begin(std::unique_ptr<offloaded_call> call);

 private:
  void on_answer() noexcept override;

  bool answered_ = false;
};

}  // namespace cetane::detail
