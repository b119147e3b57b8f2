#pragma once

#include <cetane/base/intrusive_list.hpp>

#include <span>

namespace cetane::os {

/// Something that belongs to this process alone, and that a child made by fork_process() must let
/// go: an open socket, a loop. Derive, and the child calls in_child().
///
/// May be made and destroyed on any thread. Making one waits while another thread forks.
class fork_hook : public list_hook<fork_hook> {
 public:
  fork_hook();
  fork_hook(const fork_hook&) = delete;
  fork_hook& operator=(const fork_hook&) = delete;

  /// Runs in the child, before anything else does; must not wait, and must not make or destroy
  /// hooks. `kept` are the descriptors that the child goes on using.
  virtual void in_child(std::span<const int> kept) noexcept = 0;

 protected:
  ~fork_hook();
};

/// Makes forks wait, from before a descriptor is opened until a hook has it, so that no child gets
/// one that nothing closes. What is done under it must not block.
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

 private:
  void unlock() noexcept;
};

}  // namespace cetane::os
