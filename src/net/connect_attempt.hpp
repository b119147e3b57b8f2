#pragma once

#include <runtime/backend.hpp>

#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>

namespace cetane::detail {

/// A socket on its way to one address: under way, then connected or failed. It closes the socket,
/// unless that was taken.
class connect_attempt final : public poll_io {
 public:
  /// Is told the end of an attempt that was under way.
  class observer {
   public:
    virtual void on_end(connect_attempt& attempt) noexcept = 0;

   protected:
    ~observer() = default;
  };

  connect_attempt(event_loop& loop, const address& to, observer& whom) noexcept
      : loop_(loop), observer_(whom), to_(to) {}
  ~connect_attempt() { close(); }

  /// Begins, and may end at once; the observer is not told of that.
  void begin(const address* from);

  const address& to() const noexcept { return to_; }
  bool under_way() const noexcept { return result_ == -EINPROGRESS; }
  bool connected() const noexcept { return result_ == 0; }

  /// 0 when connected, or why not, as a negative errno value.
  int result() const noexcept { return result_; }

  /// The connected socket, for its new owner.
  int take() noexcept;

  /// Gives up.
  void close() noexcept;

 private:
  void on_ready() noexcept override;
  void end(int result) noexcept;
  bool is_connected_to_itself() noexcept;

  event_loop& loop_;
  observer& observer_;
  const address to_;
  int result_ = -EINPROGRESS;
};

}  // namespace cetane::detail
