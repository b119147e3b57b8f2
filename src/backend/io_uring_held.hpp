#pragma once

#include <cstddef>
#include <map>
#include <new>
#include <string>
#include <utility>

namespace cetane::detail {

/// Input that the kernel delivered when nobody wanted it any more: the receive was under way when
/// the stream stopped reading, or was not watched any longer. It waits for the descriptor's next
/// reader.
///
/// There is a receive's worth of it for each descriptor, and rarely any at all.
class uring_held_input {
 public:
  struct entry {
    std::string bytes;
    bool ended = false;
    int error = 0;
  };

  bool empty() const noexcept { return entries_.empty(); }

  entry* find(int descriptor) noexcept {
    if (entries_.empty()) return nullptr;
    const auto found = entries_.find(descriptor);
    return found == entries_.end() ? nullptr : &found->second;
  }

  /// False for want of memory.
  bool keep(int descriptor, const char* bytes, std::size_t count) noexcept {
    try {
      entries_[descriptor].bytes.append(bytes, count);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  bool keep_end(int descriptor, int error) noexcept {
    try {
      entry& held = entries_[descriptor];
      held.ended = true;
      held.error = error;
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  entry take(int descriptor) noexcept {
    entry taken;
    const auto found = entries_.find(descriptor);
    if (found == entries_.end()) return taken;
    taken = std::move(found->second);
    entries_.erase(found);
    return taken;
  }

 private:
  std::map<int, entry> entries_;
};

}  // namespace cetane::detail
