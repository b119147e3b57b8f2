#pragma once

#include <runtime/backend.hpp>

#include <cstdint>
#include <vector>

namespace cetane::detail {

/// Finds a watched object from the tag that came with an event: slot and generation.
///
/// The generation changes when the slot is given up, so an event for a descriptor that was closed
/// meanwhile, or whose number was used again, finds nothing.
class slot_table {
 public:
  /// A tag that never belongs to an object.
  static constexpr std::uint64_t no_object = 0;

  slot_table() : slots_(1) { slots_.front().generation = 1; }

  /// Takes a slot for `object`; the tag goes to the kernel.
  std::uint64_t add(io_object& object) {
    std::uint32_t index = first_free_;
    if (index == none) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.push_back({});
    } else {
      first_free_ = slots_[index].next_free;
    }
    slots_[index].object = &object;
    object.slot = index;
    return tag(index);
  }

  void remove(io_object& object) noexcept {
    entry& slot = slots_[object.slot];
    slot.object = nullptr;
    ++slot.generation;
    slot.next_free = first_free_;
    first_free_ = object.slot;
    object.slot = io_object::no_slot;
  }

  /// Null when the tag is out of date.
  io_object* find(std::uint64_t tag) const noexcept {
    const entry& slot = slots_[static_cast<std::uint32_t>(tag)];
    if (slot.generation != static_cast<std::uint32_t>(tag >> 32)) return nullptr;
    if (slot.object == nullptr) __builtin_unreachable();  // it was given up together with this tag
    return slot.object;
  }

  std::uint64_t tag(std::uint32_t index) const noexcept {
    return std::uint64_t{slots_[index].generation} << 32 | index;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct entry {
    io_object* object = nullptr;
    std::uint32_t generation = 0;
    std::uint32_t next_free = none;
  };

  std::vector<entry> slots_;
  std::uint32_t first_free_ = none;
};

}  // namespace cetane::detail
