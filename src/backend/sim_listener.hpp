#pragma once

#include <backend/sim_accept_trouble.hpp>
#include <backend/sim_socket.hpp>
#include <backend/sim_stream.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

namespace cetane::detail {

/// A simulated listener and the connections that wait in it.
class sim_listener final : public sim_socket {
 public:
  explicit sim_listener(int backlog) noexcept
      : sim_socket(kind::listener), backlog_(static_cast<std::size_t>(std::max(backlog, 0))) {}

  /// As in the kernel, one more than the backlog may wait. Connections on their way count too.
  bool full() const noexcept { return waiting_.size() + expected_ > backlog_; }
  bool open() const noexcept { return open_; }

  /// Keeps a place for a connection that is being made.
  void expect() noexcept { ++expected_; }
  void no_longer_expect() noexcept { --expected_; }

  void put(std::shared_ptr<sim_stream> newcomer) { waiting_.push_back(std::move(newcomer)); }
  /// Null when nobody waits.
  std::shared_ptr<sim_stream> take() {
    if (waiting_.empty()) return nullptr;
    std::shared_ptr<sim_stream> first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

  bool somebody_waits() const noexcept { return !waiting_.empty(); }

  unsigned conditions() const noexcept override { return waiting_.empty() ? 0 : unsigned{input}; }

  std::string name() const override { return local.to_string(); }

  /// Who waits is reset.
  void close(bool) override {
    open_ = false;
    if (vanished_) return;
    while (const auto waiting = take()) waiting->close(true);
  }

  sim_accept_trouble trouble;

  void vanish() noexcept override {
    open_ = false;
    vanished_ = true;
    for (const auto& waiting : waiting_) waiting->vanish();
  }
  bool vanished() const noexcept { return vanished_; }

  /// Connections that it accepts keep alive.
  bool keeps_alive = false;

 private:
  std::size_t backlog_;
  bool open_ = true;
  bool vanished_ = false;
  std::size_t expected_ = 0;
  std::deque<std::shared_ptr<sim_stream>> waiting_;
};

}  // namespace cetane::detail
