#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <cstdint>
#include <string>

namespace cetane {

/// How a peer left.
enum class closed_by_peer : std::uint8_t {
  end_of_input,  ///< it ended its output; sending to it still works
  reset,         ///< the connection is gone
};

namespace detail {
class stream;
struct closed_waiters;  // tag
}  // namespace detail

/// Waits until the peer has left; made by connection::closed().
class [[nodiscard("closed() does nothing until it is awaited")]] closed_op {
 public:
  explicit closed_op(detail::stream & of) noexcept : stream_(&of) {}

  class CETANE_API awaiter final : public detail::waitable,
                                   public list_hook<detail::closed_waiters> {
   public:
    explicit awaiter(detail::stream& of) noexcept : stream_(of) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      return begin(frame, *frame.promise().context);
    }
    closed_by_peer await_resume() const;
    void cancel_wait(detail::task_context& task) noexcept override;
    std::string describe_wait() const override;

   private:
    friend detail::stream;
    bool begin(std::coroutine_handle<> frame, detail::task_context& task);

    detail::stream& stream_;
    detail::task_context* task_ = nullptr;
  };

  awaiter operator co_await() const noexcept { return awaiter(*stream_); }

 private:
  detail::stream* stream_;
};

}  // namespace cetane
