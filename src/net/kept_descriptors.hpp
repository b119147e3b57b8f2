#pragma once

#include <cetane/os/unique_fd.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace cetane::detail {

class backend;

/// Open descriptors on their way through a connection. They count as the backend's, so that a child
/// process is rid of them, and are closed with this object.
class kept_descriptors {
 public:
  explicit kept_descriptors(backend& io) noexcept : io_(io) {}
  kept_descriptors(const kept_descriptors&) = delete;
  kept_descriptors& operator=(const kept_descriptors&) = delete;
  ~kept_descriptors();

  std::span<const int> view() const noexcept { return numbers_; }
  std::size_t count() const noexcept { return numbers_.size(); }

  /// Adds duplicates: 0, or why the first of them that failed did, negative.
  /// @throws std::bad_alloc
  int add_duplicates(std::span<const int> of);

  /// Adds what the backend has given out. Throws std::bad_alloc and has added none.
  void add(std::span<const int> fresh);

  /// Gives the oldest ones to the caller.
  std::vector<unique_fd> give(std::size_t count);

 private:
  backend& io_;
  std::vector<int> numbers_;  // oldest first
};

}  // namespace cetane::detail
