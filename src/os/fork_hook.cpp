#include "os/fork_hook.hpp"

#include <mutex>

namespace cetane::os {
namespace {

struct all_hooks {
  std::mutex opening;  // taken before the other
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
  if (held_back_here++ == 0) hooks().opening.lock();
}

forks_held_back::~forks_held_back() {
  if (--held_back_here == 0) hooks().opening.unlock();
}

fork_hooks_locked::fork_hooks_locked() {
  hooks().opening.lock();
  hooks().mutex.lock();
}

fork_hooks_locked::~fork_hooks_locked() { unlock(); }

void fork_hooks_locked::unlock() noexcept {
  hooks().mutex.unlock();
  hooks().opening.unlock();
}

void fork_hooks_locked::run_and_unlock(std::span<const int> kept) noexcept {
  for (fork_hook& hook : hooks().list) hook.in_child_(hook.owner_, kept);
  unlock();
}

}  // namespace cetane::os
