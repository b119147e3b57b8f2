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

class offload_pool;
class offload_wait;

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
  virtual void hand_over(offload_wait& to) noexcept = 0;

 private:
  friend offload_pool;
  friend offload_wait;

  enum class place : std::uint8_t { none, in_line, for_room };

  offload_pool* pool_ = nullptr;
  event_loop* loop_ = nullptr;      // who gets the answer; null when nobody waits for it
  offload_wait* waiter_ = nullptr;  // read on the loop's thread only
  place place_ = place::none;
};

/// The wait of a task for a call on the offload pool.
class CETANE_API offload_wait : public selectable {
 public:
  bool poll() const noexcept { return answered_; }
  void disarm() noexcept { give_up(); }
  std::string describe_wait() const;

 protected:
  offload_wait() noexcept = default;
  ~offload_wait() { give_up(); }

  void begin(std::unique_ptr<offloaded_call> call);

 private:
  friend offloaded_call;

  void answered() noexcept;
  void give_up() noexcept;

  offloaded_call* call_ = nullptr;  // while it is under way
  bool answered_ = false;
};

}  // namespace cetane::detail
