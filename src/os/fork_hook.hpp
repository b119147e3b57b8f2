#pragma once

#include <cetane/base/intrusive_list.hpp>

#include <span>

namespace cetane::os {

/// Tells an object that belongs to this process alone, an open socket or a loop, when it finds
/// itself in a child made by fork_process(): calls its in_child(kept).
///
/// The last member of its owner, which then is whole as long as it may be called. May be made and
/// destroyed on any thread; that waits while another thread forks.
class fork_hook : public list_hook<fork_hook> {
 public:
  /// @param owner  Has `void in_child(std::span<const int> kept) noexcept`, which runs in the child
  /// before anything else does; it must not wait, and must not make or destroy hooks. `kept` are
  /// the descriptors that the child goes on using.
  template <class Owner>
  explicit fork_hook(Owner& owner) : fork_hook(&owner, tell<Owner>) {}
  fork_hook(const fork_hook&) = delete;
  fork_hook& operator=(const fork_hook&) = delete;
  ~fork_hook();

 private:
  friend class fork_hooks_locked;
  using function = void (*)(void* owner, std::span<const int> kept) noexcept;

  fork_hook(void* owner, function in_child);

  template <class Owner>
  static void tell(void* owner, std::span<const int> kept) noexcept {
    static_cast<Owner*>(owner)->in_child(kept);
  }

  void* owner_;
  function in_child_;
};

/// Makes forks wait, from before a descriptor is opened until a hook has it, and from before a hook
/// lets go of it until it is closed, so that no child gets one that nothing closes. What is done
/// under it must not block, and must not run what is the user's. May be nested. Threads hold forks
/// back without waiting for each other.
class forks_held_back {
 public:
  forks_held_back();
  forks_held_back(const forks_held_back&) = delete;
  forks_held_back& operator=(const forks_held_back&) = delete;
  ~forks_held_back();
};

/// The lock of the list of hooks. fork_process() holds it while it forks, so that the child finds
/// the list whole.
class fork_hooks_locked {
 public:
  fork_hooks_locked();
  fork_hooks_locked(const fork_hooks_locked&) = delete;
  fork_hooks_locked& operator=(const fork_hooks_locked&) = delete;
  ~fork_hooks_locked();

  /// For the child, which never leaves the scope of this object.
  void run_and_unlock(std::span<const int> kept) noexcept;
};

}  // namespace cetane::os
