#include <net/kept_descriptors.hpp>

#include <runtime/backend.hpp>

#include <cassert>

namespace cetane::detail {

kept_descriptors::~kept_descriptors() {
  for (const int each : numbers_) io_.close(each, false);
}

int kept_descriptors::add_duplicates(std::span<const int> of) {
  numbers_.reserve(numbers_.size() + of.size());
  for (const int each : of) {
    const int copy = io_.duplicate(each);
    if (copy < 0) return copy;
    numbers_.push_back(copy);
  }
  return 0;
}

void kept_descriptors::add(std::span<const int> fresh) {
  numbers_.insert(numbers_.end(), fresh.begin(), fresh.end());
}

std::vector<unique_fd> kept_descriptors::give(std::size_t count) {
  assert(count <= numbers_.size());
  std::vector<unique_fd> given;
  given.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    io_.give_away(numbers_[i]);
    given.emplace_back(numbers_[i]);
  }
  numbers_.erase(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(count));
  return given;
}

}  // namespace cetane::detail
