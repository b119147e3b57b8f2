#pragma once

#include <net/read_request.hpp>

#include <cetane/coro/frame_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace cetane::detail {

/// A message that was too long, of which the rest is dropped as it arrives, up to its mark.
///
/// The mark may come in pieces: of what was dropped last, as much is remembered as may be its
/// beginning.
class skipped_message : public pooled {
 public:
  explicit skipped_message(std::string_view mark) : mark_(mark) { tail_.reserve(2 * mark.size()); }

  /// Returns how many of the next bytes belong to the message.
  std::size_t drop(std::string_view bytes) noexcept {
    const std::size_t remembered = tail_.size();
    tail_ += bytes.substr(0, mark_.size() - 1);  // within the capacity
    if (const std::size_t end = find_mark(tail_, mark_, 0); end != std::string_view::npos) {
      ended_ = true;
      return end - remembered;
    }
    if (const std::size_t end = find_mark(bytes, mark_, 0); end != std::string_view::npos) {
      ended_ = true;
      return end;
    }
    if (bytes.size() >= mark_.size()) tail_ = bytes.substr(bytes.size() - (mark_.size() - 1));
    if (tail_.size() >= mark_.size()) tail_.erase(0, tail_.size() - (mark_.size() - 1));
    return bytes.size();
  }

  /// Whether the mark has come.
  bool ended() const noexcept { return ended_; }

 private:
  std::string mark_;
  std::string tail_;
  bool ended_ = false;
};

}  // namespace cetane::detail
