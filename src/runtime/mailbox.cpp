// What other threads hand to a loop: a stack that they push on without a lock, and that the loop
// takes as a whole.
#include <cetane/runtime/event_loop.hpp>

#include <runtime/backend.hpp>

#include <cetane/base/log.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

namespace cetane {
namespace {

const log::logger loop_log("loop");

}  // namespace

// Step 1 of a pass. What other threads have posted, in their order.
void event_loop::drain_mailbox() noexcept {
  detail::message* newest = mailbox_.exchange(nullptr, std::memory_order_acquire);
  detail::message* oldest = nullptr;
  while (newest != nullptr) {
    detail::message* const next = newest->next_;
    newest->next_ = oldest;
    oldest = std::exchange(newest, next);
  }
  while (oldest != nullptr) {
    const std::unique_ptr<detail::message> message(std::exchange(oldest, oldest->next_));
    mailbox_size_.fetch_sub(1, std::memory_order_relaxed);
    ++stats_.messages;
    try {
      message->deliver();
    } catch (const std::exception& e) {
      loop_log.error("a posted function failed: {}", e.what());
    } catch (...) {
      loop_log.error("a posted function failed with something that is no std::exception");
    }
  }
}

bool event_loop::post_message(std::unique_ptr<detail::message> message) {
  if (mailbox_size_.fetch_add(1, std::memory_order_relaxed) >= default_mailbox_limit) {
    mailbox_size_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  push_message(message.release());
  return true;
}

void event_loop::post_answer(std::unique_ptr<detail::message> message) noexcept {
  if (io_->keep_answer(*message)) return static_cast<void>(message.release());
  mailbox_size_.fetch_add(1, std::memory_order_relaxed);
  push_message(message.release());
}

void event_loop::push_message(detail::message* message) noexcept {
  message->next_ = mailbox_.load(std::memory_order_relaxed);
  while (!mailbox_.compare_exchange_weak(message->next_, message, std::memory_order_seq_cst,
                                         std::memory_order_relaxed)) {
  }
  if (asleep_.exchange(false, std::memory_order_seq_cst)) io_->wake();
}

bool event_loop::drop_messages() noexcept {
  detail::message* left = mailbox_.exchange(nullptr);
  const bool any = left != nullptr;
  while (left != nullptr) delete std::exchange(left, left->next_);
  return any;
}

}  // namespace cetane
