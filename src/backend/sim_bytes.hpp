#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace cetane::detail {

/// Bytes in a row: put in at the end, taken out at the front.
class sim_bytes {
 public:
  std::size_t size() const noexcept { return bytes_.size() - taken_; }

  void put(std::string_view more) {
    if (taken_ > bytes_.size() / 2) {
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
    bytes_ += more;
  }

  /// Copies up to `room` bytes out and forgets them.
  std::size_t take(char* to, std::size_t room) noexcept {
    const std::size_t count = bytes_.copy(to, room, taken_);
    taken_ += count;
    return count;
  }

  std::string take(std::size_t most) {
    std::string out = bytes_.substr(taken_, most);
    taken_ += out.size();
    return out;
  }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace cetane::detail
