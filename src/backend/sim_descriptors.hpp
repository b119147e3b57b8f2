#pragma once

#include <backend/sim_socket.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace cetane::detail {

/// Numbers for simulated sockets. As in the kernel, a number that was closed is used again soon,
/// but none of them can be a real descriptor: closing one by mistake harms nobody.
class sim_descriptors {
 public:
  static constexpr int first = 1 << 30;

  int add(std::shared_ptr<sim_socket> socket) {
    ++open_;
    if (free_.empty()) {
      sockets_.push_back(std::move(socket));
      return first + static_cast<int>(sockets_.size() - 1);
    }
    const std::size_t index = free_.back();
    free_.pop_back();
    sockets_[index] = std::move(socket);
    return first + static_cast<int>(index);
  }

  /// Null for a number that is not open.
  std::shared_ptr<sim_socket> find(int descriptor) const noexcept {
    const auto index = static_cast<std::size_t>(descriptor - first);
    return descriptor >= first && index < sockets_.size() ? sockets_[index] : nullptr;
  }

  std::shared_ptr<sim_socket> remove(int descriptor) {
    std::shared_ptr<sim_socket> removed = find(descriptor);
    if (removed == nullptr) return nullptr;
    const auto index = static_cast<std::size_t>(descriptor - first);
    sockets_[index] = nullptr;
    free_.push_back(index);
    --open_;
    return removed;
  }

  std::size_t open() const noexcept { return open_; }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& socket : sockets_) {
      if (socket != nullptr) visit(*socket);
    }
  }

 private:
  std::vector<std::shared_ptr<sim_socket>> sockets_;
  std::vector<std::size_t> free_;
  std::size_t open_ = 0;
};

}  // namespace cetane::detail
