#pragma once

#include "os/fork_hook.hpp"
#include "os/socket.hpp"

#include <cetane/base/clock.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/socketserver/base_server.hpp>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <unistd.h>

namespace cetane::socketserver {

/// What the loop of a server and those who end it share.
class base_server::loop_state {
 public:
  loop_state() {
    const os::forks_held_back until_it_has_an_owner;
    if (const int failed = os::make_eventfd(wake_); failed < 0) {
      throw error("make a server (eventfd)", system_code(failed));
    }
  }

  void in_child(std::span<const int>) noexcept {
    wake_.reset();
    in_child_ = true;
  }

  // The thread that serves.

  void begin(bool serving) {
    const std::lock_guard lock(mutex_);
    if (busy_) {
      throw std::logic_error("serve: the loop of this server runs already; a server has one");
    }
    busy_ = true;
    serving_ = serving;
    thread_ = std::this_thread::get_id();
  }

  void end() noexcept {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (!serving_) return;
    serving_ = false;
    ++ended_;
    stop_ = false;
    loop_ended_.notify_all();
  }

  bool stopping() const noexcept { return stop_.load(std::memory_order_acquire); }
  int wake_fd() const noexcept { return wake_.get(); }

  void drain() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(wake_.get(), &count, sizeof count);
  }

  // The others.

  void request_stop() noexcept {
    stop_.store(true, std::memory_order_release);
    wake();
  }

  void wake() noexcept {
    const int before = errno;  // of whoever a signal handler interrupts
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
    errno = before;
  }

  void stop_and_wait() {
    if (in_child_) {
      throw would_deadlock("shutdown: the server's loop runs in the parent process");
    }
    std::unique_lock lock(mutex_);
    if (busy_ && thread_ == std::this_thread::get_id()) {
      throw would_deadlock(
          "shutdown: it would wait for the loop of its own thread; call request_shutdown()");
    }
    if (!serving_ && ended_ > 0) return;
    request_stop();
    const auto ended_before = ended_;
    loop_ended_.wait(lock, [&] { return ended_ != ended_before; });
  }

  bool serves_on_another_thread() const {
    if (in_child_) return false;
    const std::lock_guard lock(mutex_);
    return serving_ && thread_ != std::this_thread::get_id();
  }

  // Resting: a listener that cannot be accepted from stays readable.

  /// Says whether this is news.
  bool rest_after(std::error_code why) noexcept {
    if (is_passing(why)) return false;
    rest_until_ = deadline_after(std::chrono::steady_clock::now(), std::chrono::milliseconds(100));
    return !std::exchange(troubled_, true);
  }
  void accepted() noexcept { troubled_ = false; }
  time_point rest_until() const noexcept { return rest_until_; }

 private:
  // There was no connection, or it is one that has failed already (accept(2)).
  static bool is_passing(std::error_code why) noexcept {
    if (why.category() != std::system_category()) return true;
    switch (why.value()) {
      case EAGAIN:
      case EINTR:
      case ECONNABORTED:
      case ECONNREFUSED:
      case ECONNRESET:
      case EPROTO:
      case EPERM:
      case ENETDOWN:
      case EHOSTDOWN:
      case ENETUNREACH:
      case EHOSTUNREACH:
      case ENOPROTOOPT:
      case ENONET:
        return true;
      default:
        return false;
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable loop_ended_;
  bool busy_ = false;     // serve_forever() or handle_request()
  bool serving_ = false;  // serve_forever()
  std::thread::id thread_;
  std::uint64_t ended_ = 0;  // loops that have
  bool in_child_ = false;
  std::atomic<bool> stop_ = false;
  unique_fd wake_;
  time_point rest_until_{};
  bool troubled_ = false;
  os::fork_hook hook_{*this};
};

}  // namespace cetane::socketserver
