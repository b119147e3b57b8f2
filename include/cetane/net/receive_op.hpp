#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/datagram.hpp>
#include <cetane/sync/detail/queue_lines.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <optional>
#include <string>
#include <type_traits>

namespace cetane {

namespace detail {

class datagram_inbox;

/// What a task that waits for a datagram gets when there will be none.
enum class at_silence : bool { throws, gives_nothing };

/// A task that waits at an inbox.
struct inbox_waiter : list_hook<inbox_waiter> {
  const task_context* task = nullptr;
};

/// A task's wait at an inbox.
class CETANE_API inbox_place : public queue_place {
 public:
  explicit inbox_place(datagram_inbox& inbox) noexcept : inbox_(&inbox) {}
  ~inbox_place() { disarm(); }

  bool poll() noexcept;
  void arm() noexcept;
  void disarm() noexcept;
  std::string describe_wait() const;

 protected:
  datagram take();
  std::optional<datagram> take_next();

 private:
  friend datagram_inbox;

  datagram_inbox& inbox();

  inbox_waiter waiter_;
  datagram_inbox* inbox_;
  bool armed_ = false;
};

template <at_silence Silence>
class datagram_wait final : public inbox_place {
 public:
  using source_type = datagram_inbox;
  using result =
      std::conditional_t<Silence == at_silence::throws, datagram, std::optional<datagram>>;

  explicit datagram_wait(wait_op<datagram_wait> op) noexcept : inbox_place(op.source()) {}

  result commit() {
    if constexpr (Silence == at_silence::throws) {
      return take();
    } else {
      return take_next();
    }
  }
};

}  // namespace detail

/// What receive() and next() return: `co_await socket.receive()`.
using receive_op = detail::wait_op<detail::datagram_wait<detail::at_silence::throws>>;
using receive_next_op = detail::wait_op<detail::datagram_wait<detail::at_silence::gives_nothing>>;

}  // namespace cetane
