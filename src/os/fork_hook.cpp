#include "os/fork_hook.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace cetane::os {
namespace {

// Many may open and close at a time. A fork waits until they are done, and they wait for a fork: it
// has its turn also where somebody is always at it.
class fork_gate {
 public:
  void hold_back() noexcept {
    while ((state_.fetch_add(1, std::memory_order_acquire) & forking) != 0) {
      state_.fetch_sub(1, std::memory_order_relaxed);
      while ((state_.load(std::memory_order_relaxed) & forking) != 0) std::this_thread::yield();
    }
  }
  void let_go() noexcept { state_.fetch_sub(1, std::memory_order_release); }

  // One fork at a time.
  void begin_fork() noexcept {
    while ((state_.fetch_or(forking, std::memory_order_acquire) & forking) != 0)
      std::this_thread::yield();
    while (state_.load(std::memory_order_acquire) != forking) std::this_thread::yield();
  }
  void end_fork() noexcept { state_.fetch_and(~forking, std::memory_order_release); }
  // Those who wait for the fork are not there in the child.
  void open_in_child() noexcept { state_.store(0, std::memory_order_relaxed); }

 private:
  static constexpr unsigned forking = 1U << 31;
  std::atomic<unsigned> state_ = 0;  // how many hold forks back, and whether one is under way
};

struct all_hooks {
  fork_gate gate;  // before the mutex
  std::mutex mutex;
  intrusive_list<fork_hook, fork_hook> list;
};

// Never destroyed: a global object may hold a hook.
all_hooks& hooks() {
  static auto& all = *new all_hooks;
  return all;
}

// What fails while it is being opened is closed again under the same protection.
thread_local int held_back_here = 0;

}  // namespace

fork_hook::fork_hook(void* owner, function in_child) : owner_(owner), in_child_(in_child) {
  const std::lock_guard lock(hooks().mutex);
  hooks().list.push_back(*this);
}

fork_hook::~fork_hook() {
  const std::lock_guard lock(hooks().mutex);
  unlink();
}

forks_held_back::forks_held_back() {
  if (held_back_here++ == 0) hooks().gate.hold_back();
}

forks_held_back::~forks_held_back() {
  if (--held_back_here == 0) hooks().gate.let_go();
}

fork_hooks_locked::fork_hooks_locked() {
  hooks().gate.begin_fork();
  hooks().mutex.lock();
}

fork_hooks_locked::~fork_hooks_locked() {
  hooks().mutex.unlock();
  hooks().gate.end_fork();
}

void fork_hooks_locked::run_and_unlock(std::span<const int> kept) noexcept {
  for (fork_hook& hook : hooks().list) hook.in_child_(hook.owner_, kept);
  hooks().mutex.unlock();
  hooks().gate.open_in_child();
}

}  // namespace cetane::os
