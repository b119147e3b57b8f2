#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/conc/offloaded_call.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace cetane::detail {

/// Threads for calls that block: they make the calls in the order in which they came.
///
/// A thread is started when a call would have to wait and the most threads are not reached; it then
/// stays. One mutex guards everything, and the fields of the calls that are under way: a call
/// blocks for micro- to milliseconds, and the mutex is held for fractions of one. What a call goes
/// through:
/// - waiting: `in_line_`, or `for_room_` behind it while that is full. The pool owns it; withdraw()
/// gives it back.
/// - running: its thread owns it. withdraw() makes the thread drop the result.
/// - answered: the loop's mailbox owns it.
class offload_pool {
 public:
  offload_pool(std::size_t most_threads, std::size_t most_waiting);

  /// Drops the calls that wait and lets those that run come to their end.
  ~offload_pool();

  offload_pool(const offload_pool&) = delete;
  offload_pool& operator=(const offload_pool&) = delete;

  /// The pool that all loops share, made at the first call.
  ///
  /// It is never destroyed, and its threads are never joined: a call that is stuck does not keep
  /// the program from ending, and one that still runs ends with it. In a forked child, which has
  /// none of the parent's threads, it is a new one.
  static offload_pool& of_process();

  /// Puts a call in the line. Throws error when there is no thread to make it and none can be
  /// started.
  void submit(std::unique_ptr<offloaded_call> call);

  /// Says that nobody waits for the call any more: one that has not begun will not be made, one
  /// that runs answers nobody.
  void withdraw(offloaded_call& call) noexcept;

  /// As withdraw(), of a call that has not begun. False: nothing has changed.
  bool withdraw_unless_begun(offloaded_call& call) noexcept;

  /// Returns once the thread that has posted an answer to the caller's loop is done with the loop.
  void let_go() noexcept;

  struct figures {
    std::size_t threads = 0;
    std::size_t idle = 0;     // threads without a call, those included that are being woken for one
    std::size_t in_line = 0;  // calls that wait for a thread
    std::size_t for_room = 0;  // calls that wait for room in the line
  };
  figures now() const;

 private:
  using call_list = intrusive_list<offloaded_call, offload_pool>;

  void start_thread();
  void work() noexcept;
  void finish(std::unique_ptr<offloaded_call> call) noexcept;
  std::unique_ptr<offloaded_call> next_call() noexcept;
  void remove(offloaded_call& call) noexcept;
  void fill_line() noexcept;

  const std::size_t most_threads_;
  const std::size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable work_came_;
  call_list in_line_;
  call_list for_room_;
  figures now_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cetane::detail
