#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>

namespace cetane {

namespace detail {
class descriptor_watch;

enum class readiness : std::uint8_t { to_read, to_write };
}  // namespace detail

/// Waits for a descriptor that is not the library's; made by readable() and writable().
class [[nodiscard("readable() and writable() do nothing until they are awaited")]] readiness_op {
 public:
  readiness_op(int descriptor, detail::readiness wanted) noexcept
      : descriptor_(descriptor), wanted_(wanted) {}

  class CETANE_API awaiter final : public detail::waitable {
   public:
    awaiter(int descriptor, detail::readiness wanted) noexcept;
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter();

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      begin(frame, *frame.promise().context);
    }
    void await_resume() const {
      if (!ready_) throw_cancelled(*task_);
    }
    void cancel_wait(detail::task_context& task) noexcept override;
    std::string describe_wait() const override;

   private:
    friend detail::descriptor_watch;

    void begin(std::coroutine_handle<> frame, detail::task_context& task);
    void become_ready() noexcept;

    const int descriptor_;
    const detail::readiness wanted_;
    bool ready_ = false;
    detail::task_context* task_ = nullptr;
    std::unique_ptr<detail::descriptor_watch> watch_;
  };

  awaiter operator co_await() const noexcept { return awaiter(descriptor_, wanted_); }

 private:
  int descriptor_;
  detail::readiness wanted_;
};

/// Waits until a descriptor of the caller's can be read without waiting: there is input, or its
/// end, or an error to be told.
///
/// For descriptors that other libraries work with, and for pipes and terminals. Always suspends.
/// Nothing is remembered between two waits, any number of tasks may wait for one descriptor, and
/// its flags are left alone. Regular files are always ready.
/// @throws error             The descriptor is not open, or nothing can be watched any more.
/// @throws std::logic_error  The network is simulated: it has no descriptors of the system's.
/// @par Cancellation  The descriptor is forgotten.
/// @par Lifetime      The descriptor stays open until the await has ended.
inline readiness_op readable(int descriptor) noexcept {
  return readiness_op(descriptor, detail::readiness::to_read);
}

/// Waits until a descriptor of the caller's takes output without waiting, or has an error to tell.
/// Otherwise as readable().
inline readiness_op writable(int descriptor) noexcept {
  return readiness_op(descriptor, detail::readiness::to_write);
}

}  // namespace cetane
