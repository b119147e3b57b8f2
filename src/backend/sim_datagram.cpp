#include "backend/sim_datagram.hpp"

#include <algorithm>
#include <utility>

namespace cetane::detail {

std::span<const os::arrived_datagram> sim_datagram::take(std::size_t limit, std::size_t count) {
  taken_.clear();
  shown_.clear();
  while (taken_.size() < count && !arrived_.empty()) {
    bytes_ -= room_of(arrived_.front().bytes);
    taken_.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  for (const packet& one : taken_) {
    const std::string_view all = one.bytes;
    shown_.push_back({all.substr(0, limit), one.from, lost_, one.cut || all.size() > limit});
  }
  return shown_;
}

bool sim_datagram::take_failure(os::datagram_failure& out) {
  if (failures_.empty()) return false;
  out = failures_.front();
  failures_.pop_front();
  return true;
}

bool sim_datagram::hears(const address& from) const noexcept { return !has_peer || from == peer; }

bool sim_datagram::arrive(std::string bytes, const address& from, bool cut, std::size_t capacity) {
  const std::size_t room = room_of(bytes);
  if (bytes_ != 0 && bytes_ + room > capacity) {
    ++lost_;
    return false;
  }
  bytes_ += room;
  arrived_.push_back({std::move(bytes), from, cut});
  return true;
}

unsigned sim_datagram::conditions() const noexcept {
  unsigned now = 0;
  if (!arrived_.empty()) now |= input;
  if (relieved_) now |= output;
  if (!failures_.empty()) now |= failure;
  return now;
}

}  // namespace cetane::detail
