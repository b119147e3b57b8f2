#pragma once

#include <cetane/base/config.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

/// What became of a message for another loop.
enum class delivery : std::uint8_t {
  sent,          ///< it is in the loop's mailbox
  mailbox_full,  ///< 65,536 messages wait there already: it was dropped
  loop_ended,    ///< the loop is gone, and so is the message
};

namespace detail {

/// The door of a loop, which may still be knocked at when the loop is gone. A sender is inside for
/// as long as it puts its message into the mailbox, and the loop's end waits for those.
class CETANE_API loop_door {
 public:
  static constexpr bool spans_loops = true;

  explicit loop_door(event_loop& of) noexcept : loop_(&of) {}
  loop_door(const loop_door&) = delete;
  loop_door& operator=(const loop_door&) = delete;

  delivery send(std::unique_ptr<message> message);
  /// As event_loop::post_answer(): however many wait. False when the loop has ended.
  bool send_answer(std::unique_ptr<message> message) noexcept;

  /// Lets nobody in any more, and waits for those who are inside.
  void close() noexcept;

  /// Who it is; null when it has ended.
  event_loop* loop() const noexcept { return loop_.load(std::memory_order_relaxed); }

 private:
  class visit;

  std::atomic<event_loop*> loop_;
  std::atomic<std::size_t> inside_{0};
};

}  // namespace detail

/// Refers to an event loop, from any thread, and may outlive it: the address for send_to().
class CETANE_API loop_ref {
 public:
  static constexpr bool spans_loops = true;

  /// Refers to a loop. On the loop's thread, or before it runs.
  explicit loop_ref(event_loop& loop);

  /// Refers to the loop that runs on this thread.
  ///
  /// @throws std::logic_error  There is none.
  static loop_ref here();

  /// Whether it is the loop that runs on this thread.
  [[nodiscard]] bool is_here() const noexcept {
    const event_loop* const loop = door_->loop();
    return loop != nullptr && loop == event_loop::current();
  }

  /// Whether the loop has ended. One that has not may do so before the caller looks again.
  [[nodiscard]] bool ended() const noexcept { return door_->loop() == nullptr; }

  [[nodiscard]] detail::loop_door& door() const noexcept { return *door_; }

  friend bool operator==(const loop_ref& a, const loop_ref& b) noexcept {
    return a.door_ == b.door_;
  }

 private:
  std::shared_ptr<detail::loop_door> door_;
};

/// Sends a message to a loop: fn(args...) runs there in its next pass, behind what this thread has
/// sent there before.
///
/// May be called from any thread, and does not wait. `fn` and `args` are copied or moved, as
/// std::thread does; they are destroyed on the loop's thread, or here when they are not sent. What
/// `fn` throws is logged there. Unlike post() it may be used when the loop has ended.
///
/// A message that still waits when its loop ends is destroyed without a call.
/// @return What became of it. A mailbox that is full says that the loop does not keep up: send
/// less,
///         or later.
template <class Fn, class... Args>
requires std::invocable<std::decay_t<Fn>, std::decay_t<Args>...>
[[nodiscard]] delivery send_to(const loop_ref& loop, Fn&& fn, Args&&... args) {
  using function = std::decay_t<Fn>;
  using arguments = std::tuple<std::decay_t<Args>...>;
  class sent final : public detail::message {
   public:
    sent(function&& f, arguments&& a) : fn_(std::move(f)), args_(std::move(a)) {}
    void deliver() override { std::apply(std::move(fn_), std::move(args_)); }

   private:
    function fn_;
    arguments args_;
  };
  return loop.door().send(std::make_unique<sent>(function(std::forward<Fn>(fn)),
                                                 arguments(std::forward<Args>(args)...)));
}

}  // namespace cetane
