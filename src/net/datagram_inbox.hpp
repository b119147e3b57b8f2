#pragma once

#include <os/arrived_datagram.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/datagram.hpp>
#include <cetane/net/receive_op.hpp>
#include <cetane/sync/detail/queue_lines.hpp>
#include <cetane/sync/detail/ring.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace cetane::detail {

/// What has come and nobody has received yet, and who waits for it, first come, first served.
///
/// A note that something sent has not come to its place stands among the datagrams, in its turn;
/// and so does the note that nothing came for too long, but only as long as that is true.
class datagram_inbox {
 public:
  datagram_inbox(const datagram_inbox&) = delete;
  datagram_inbox& operator=(const datagram_inbox&) = delete;

  /// Puts a datagram in. Throws for want of memory.
  void put(const os::arrived_datagram& what);
  void put_undelivered(int error);
  /// Tells one who waits that nothing came.
  void put_silence();

  /// Nothing more will come. What is there can be received.
  void close() noexcept { lines_.close(); }
  bool is_closed() const noexcept { return lines_.closed(); }

  bool is_empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  bool is_awaited() const noexcept { return !waiters_.empty(); }
  /// Whether `task` waits here, and nothing has come.
  bool is_awaited_by(const task_context& task) const noexcept;

  // For who waits.
  bool can_take() noexcept;
  void wait(inbox_place& place, const task_context& task) noexcept;
  void stop_waiting(inbox_place& place) noexcept;
  datagram take(inbox_place& place);
  std::optional<datagram> take_next(inbox_place& place);
  virtual std::string describe() const = 0;

 protected:
  datagram_inbox() noexcept : lines_(std::numeric_limits<std::size_t>::max()) {}
  ~datagram_inbox() { lines_.end(items_.size()); }

  /// Somebody wants something, and nothing is there: it may be put in now.
  virtual void look() noexcept {}
  /// Somebody begins to wait.
  virtual void on_wait() noexcept {}
  /// `bytes` bytes are not here any more.
  virtual void on_taken(std::size_t bytes) noexcept { static_cast<void>(bytes); }

  /// What it means for the receiver that the inbox is closed, or that nothing came.
  [[noreturn]] virtual void throw_closed() const = 0;
  [[noreturn]] virtual void throw_silence() const = 0;
  [[noreturn]] virtual void throw_undelivered(int error) const = 0;

 private:
  struct item {
    enum class kind : std::uint8_t { message, undelivered, silence };

    explicit item(const os::arrived_datagram& one)
        : message(std::in_place, one.bytes, one.from, one.truncated) {}
    item(kind k, int why) noexcept : what(k), error(why) {}

    std::optional<datagram> message;
    kind what = kind::message;
    int error = 0;
  };

  template <class... What>
  void add(const What&... what);
  void drop_first(inbox_place& place, std::size_t bytes);
  void throw_note(inbox_place& place);

  queue_lines lines_;
  ring<item> items_;
  std::size_t bytes_ = 0;
  intrusive_list<inbox_waiter, inbox_waiter> waiters_;
};

}  // namespace cetane::detail
