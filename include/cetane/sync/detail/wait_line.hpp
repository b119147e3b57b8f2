// Who waits for a primitive, first come, first served; and who has been granted what it waited for
// and has not run yet.
#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/conc/selectable.hpp>

#include <algorithm>
#include <cassert>

namespace cetane::detail {

class wait_line;

/// One place in a line: the part of a wait that the primitive sees.
///
/// States: outside (not linked), waiting (linked), granted (linked, in the line's other list: what
/// the task was woken for is reserved for it). A primitive that is destroyed unlinks all places, so
/// that a wait which outlives it finds itself outside.
class line_place : public selectable, public list_hook<wait_line> {
 public:
  bool granted() const noexcept { return granted_; }

  /// Leaves the line. True if something is reserved that now has to go to somebody else.
  bool leave() noexcept {
    const bool reserved = granted_ && linked();
    unlink();
    granted_ = false;
    return reserved;
  }

 protected:
  line_place() noexcept = default;

 private:
  friend wait_line;

  void grant() noexcept {
    granted_ = true;
    wake();
  }

  bool granted_ = false;
};

/// The line of a primitive. The primitive outlives those who wait in it.
class wait_line {
 public:
  wait_line() noexcept = default;
  ~wait_line() { assert(waiting_.empty() && "what tasks wait for outlives their wait"); }
  wait_line(const wait_line&) = delete;
  wait_line& operator=(const wait_line&) = delete;

  bool empty() const noexcept { return waiting_.empty(); }
  line_place& front() noexcept { return waiting_.front(); }

  /// Who stands right before `place`, which waits in this line; null at the front.
  const line_place* before(const line_place& place) noexcept {
    return waiting_.before(const_cast<line_place&>(place));
  }

  void join(line_place& place) noexcept { waiting_.push_back(place); }

  /// Grants the first in line what it waits for; there is one.
  void grant_front() noexcept { waiting_.move_front_to(granted_).grant(); }

  /// Grants it to all who wait now.
  void grant_all() noexcept {
    while (!empty()) grant_front();
  }

  /// Whether `holds(place)` for one that was granted and has not run yet.
  template <class Predicate>
  bool any_granted(Predicate holds) noexcept {
    return std::any_of(granted_.begin(), granted_.end(), holds);
  }

  /// Grants it to a place that stands outside.
  void grant(line_place& place) noexcept {
    granted_.push_back(place);
    place.grant();
  }

 private:
  intrusive_list<line_place, wait_line> waiting_;
  intrusive_list<line_place, wait_line> granted_;
};

/// An operation that is no more than the primitive it waits for. `Wait` is its select_type.
template <class Wait>
class [[nodiscard(
    "this does nothing until it is awaited, or given to first() or "
    "with_timeout()")]] wait_op {
 public:
  using select_type = Wait;
  using source_type = typename Wait::source_type;

  explicit wait_op(source_type & source) noexcept : source_(&source) {}

  source_type& source() const noexcept { return *source_; }

  sole_wait<Wait> operator co_await() const noexcept { return sole_wait<Wait>(*this); }

 private:
  source_type* source_;
};

}  // namespace cetane::detail
