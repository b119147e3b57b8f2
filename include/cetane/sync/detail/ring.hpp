#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace cetane::detail {

/// Items in a row, first in, first out. It grows by doubling and keeps its memory, so that it does
/// not allocate once it is as large as it gets. The first item stands apart from the others: most
/// queues are empty when an item comes, and that one has the shortest way.
template <class T>
class ring {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "what waits for other tasks has to be movable without an exception; keep it in a "
                "std::unique_ptr");

 public:
  ring() noexcept {}
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    while (!empty()) drop_front();
    free(slots_, capacity_);
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& front() noexcept { return front_; }

  /// Makes room for one more item.
  void reserve_one() {
    if (size_ > capacity_) grow();
  }

  template <class... Args>
  void emplace_back(Args&&... args) {
    if (size_ == 0) {
      std::construct_at(&front_, std::forward<Args>(args)...);
    } else {
      reserve_one();
      std::construct_at(slots_ + at(size_ - 1), std::forward<Args>(args)...);
    }
    ++size_;
  }

  T pop_front() noexcept {
    T item(std::move(front_));
    std::destroy_at(&front_);
    if (--size_ != 0) move_up();
    return item;
  }

  // The item's destructor, which may come back here, finds the ring without it.
  void drop_front() noexcept { [[maybe_unused]] const T dropped = pop_front(); }

 private:
  static constexpr std::size_t first_capacity = 8;

  // Where the others stand, counted from the second on.
  std::size_t at(std::size_t index) const noexcept { return (second_ + index) & (capacity_ - 1); }

  void move_up() noexcept {
    T& next = slots_[second_];
    std::construct_at(&front_, std::move(next));
    std::destroy_at(&next);
    second_ = at(1);
  }

  // Out of line, where it costs the usual way no registers.
  [[gnu::noinline, gnu::cold]] void grow() {
    const std::size_t wanted = capacity_ == 0 ? first_capacity : capacity_ * 2;
    T* const slots = std::allocator<T>().allocate(wanted);
    for (std::size_t i = 0; i + 1 < size_; ++i) {
      T& item = slots_[at(i)];
      std::construct_at(slots + i, std::move(item));
      std::destroy_at(&item);
    }
    free(slots_, capacity_);
    slots_ = slots;
    capacity_ = wanted;
    second_ = 0;
  }

  static void free(T* slots, std::size_t capacity) noexcept {
    if (slots != nullptr) std::allocator<T>().deallocate(slots, capacity);
  }

  union {
    T front_;  // if there is one
  };
  std::size_t size_ = 0;
  T* slots_ = nullptr;        // of the others
  std::size_t capacity_ = 0;  // zero or a power of two
  std::size_t second_ = 0;
};

}  // namespace cetane::detail
