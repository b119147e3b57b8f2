#pragma once

#include <cassert>
#include <cstddef>
#include <iterator>
#include <utility>

namespace cetane {

template <class T, class Tag>
class intrusive_list;

/// Makes its class a possible element of an `intrusive_list<T, Tag>`.
///
/// A class in several lists at once derives from one hook for each, told apart by their tags. A
/// hook stays where it is, since its neighbours point at it, and leaves its list when it is
/// destroyed.
template <class Tag = void>
struct list_hook {
  list_hook() noexcept = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;
  ~list_hook() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

  /// Leaves the list, if in one. The list need not be known.
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = nullptr;
  }

 private:
  template <class, class>
  friend class intrusive_list;

  void link_before(list_hook& position) noexcept {
    assert(!linked());
    link_between(*position.prev_, position);
  }

  // The order keeps GCC from making one store of two, which it would put together first.
  void link_between(list_hook& before, list_hook& behind) noexcept {
    next_ = &behind;
    before.next_ = this;
    prev_ = &before;
    behind.prev_ = this;
  }

  list_hook* prev_ = nullptr;
  list_hook* next_ = nullptr;
};

/// A doubly linked list through hooks inside its elements: it owns nothing, allocates nothing and
/// never fails.
///
/// Every change takes constant time. Elements left in a list that is destroyed are unlinked.
template <class T, class Tag = void>
class intrusive_list {
  using hook = list_hook<Tag>;

  template <class Value>
  class basic_iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = Value*;
    using reference = Value&;

    basic_iterator() noexcept = default;
    explicit basic_iterator(hook* at) noexcept : at_(at) {}

    reference operator*() const noexcept { return static_cast<reference>(*at_); }
    pointer operator->() const noexcept { return static_cast<pointer>(at_); }
    basic_iterator& operator++() noexcept { return at_ = next(at_), *this; }
    basic_iterator& operator--() noexcept { return at_ = previous(at_), *this; }
    basic_iterator operator++(int) noexcept {
      return basic_iterator(std::exchange(at_, next(at_)));
    }
    basic_iterator operator--(int) noexcept {
      return basic_iterator(std::exchange(at_, previous(at_)));
    }
    bool operator==(const basic_iterator&) const noexcept = default;

   private:
    hook* at_ = nullptr;
  };

 public:
  using value_type = T;
  using iterator = basic_iterator<T>;
  using const_iterator = basic_iterator<const T>;

  intrusive_list() noexcept { reset(); }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    clear();
    head_.next_ = nullptr;  // the head is no element: nothing for the hook's destructor to unlink
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }

  /// The first or last element; the list is not empty.
  [[nodiscard]] T& front() noexcept { return assert(!empty()), element(head_.next_); }
  [[nodiscard]] T& back() noexcept { return assert(!empty()), element(head_.prev_); }

  /// The element behind `item`, which is in this list; null when it is the last.
  [[nodiscard]] T* after(T& item) noexcept {
    hook* following = hook_of(item).next_;
    return following == &head_ ? nullptr : &element(following);
  }

  /// The element before `item`, which is in this list; null when it is the first.
  [[nodiscard]] T* before(T& item) noexcept {
    hook* preceding = hook_of(item).prev_;
    return preceding == &head_ ? nullptr : &element(preceding);
  }

  /// Links an element that is in no list of this tag yet.
  void push_back(T& item) noexcept { hook_of(item).link_before(head_); }
  void push_front(T& item) noexcept { hook_of(item).link_before(*head_.next_); }
  void insert_before(T& position, T& item) noexcept {
    hook_of(item).link_before(hook_of(position));
  }

  /// Unlinks and returns the first element, or null when there is none.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    hook* first = head_.next_;
    first->unlink();
    return &element(first);
  }

  /// Moves the first element, there is one, behind the last of `other`, and returns it.
  T& move_front_to(intrusive_list& other) noexcept {
    assert(this != &other && !empty());
    hook* const first = head_.next_;
    head_.next_ = first->next_;
    first->next_->prev_ = &head_;
    first->link_between(*other.head_.prev_, other.head_);
    return element(first);
  }

  /// Unlinks every element.
  void clear() noexcept {
    while (!empty()) head_.next_->unlink();
  }

  /// Moves all of `other`, in its order, behind the last element.
  void splice_back(intrusive_list& other) noexcept {
    assert(this != &other);
    if (other.empty()) return;
    hook* first = other.head_.next_;
    hook* last = other.head_.prev_;
    other.reset();
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
  }

  /// An iterator stays valid until its own element is unlinked; step on before unlinking.
  [[nodiscard]] iterator begin() noexcept { return iterator(head_.next_); }
  [[nodiscard]] iterator end() noexcept { return iterator(&head_); }
  [[nodiscard]] const_iterator begin() const noexcept { return const_iterator(head_.next_); }
  [[nodiscard]] const_iterator end() const noexcept {
    return const_iterator(const_cast<hook*>(&head_));
  }

 private:
  static hook* next(hook* at) noexcept { return at->next_; }
  static hook* previous(hook* at) noexcept { return at->prev_; }
  static hook& hook_of(T& item) noexcept { return item; }
  static T& element(hook* at) noexcept { return static_cast<T&>(*at); }

  void reset() noexcept { head_.next_ = head_.prev_ = &head_; }

  hook head_;
};

}  // namespace cetane
