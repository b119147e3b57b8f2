#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/conc/selectable.hpp>

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

class closed_op;

/// The wait of a task for its peer's leaving.
class CETANE_API closed_wait final : public selectable, public list_hook<detail::closed_waiters> {
 public:
  explicit closed_wait(const closed_op& op) noexcept;

  bool poll() const noexcept;
  void arm();
  void disarm() noexcept { unlink(); }
  closed_by_peer commit();
  std::string describe_wait() const;

 private:
  friend detail::stream;

  detail::stream& stream_;
};

/// Waits until the peer has left; made by connection::closed().
class [[nodiscard("closed() does nothing until it is awaited")]] closed_op {
 public:
  using select_type = closed_wait;

  explicit closed_op(detail::stream & of) noexcept : stream_(&of) {}

  sole_wait<closed_wait> operator co_await() const noexcept {
    return sole_wait<closed_wait>(*this);
  }

 private:
  friend closed_wait;

  detail::stream* stream_;
};

inline closed_wait::closed_wait(const closed_op& op) noexcept : stream_(*op.stream_) {}

}  // namespace cetane
