#pragma once

#include <runtime/backend.hpp>

#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstdint>
#include <functional>

namespace cetane::detail {

/// A worker's end of what connects it with its master.
class master_link final : public poll_io {
 public:
  enum class news : std::uint8_t { go, master_ended };

  explicit master_link(unique_fd link) noexcept : link_(std::move(link)) {}
  ~master_link();

  /// Begins to listen to the master, and tells it that this worker serves.
  void attach(event_loop& loop, std::function<void(news)> on_news);
  void detach() noexcept;

  /// Tells the master a worker_word: 0, or a negative errno value.
  int say(char word) noexcept;

 private:
  void on_ready() noexcept override;

  unique_fd link_;
  event_loop* loop_ = nullptr;
  std::function<void(news)> on_news_;
};

}  // namespace cetane::detail
