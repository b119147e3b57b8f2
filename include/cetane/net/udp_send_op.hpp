#pragma once

#include <cetane/base/config.hpp>
#include <cetane/os/address.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <memory>
#include <string>
#include <utility>

namespace cetane {

namespace detail {

class datagram_port;
struct outgoing_datagram;

struct free_outgoing {
  CETANE_API void operator()(outgoing_datagram* unsent) const noexcept;
};
/// A datagram for which there was no room at all, so that its sender keeps it while it waits.
using kept_datagram = std::unique_ptr<outgoing_datagram, free_outgoing>;

}  // namespace detail

/// What sending a datagram returns: it has left, or will with others, or is queued, already.
/// Awaiting it waits until there is room for more; who does not care leaves it alone.
///
/// When there was no room at all the datagram leaves only if this is awaited; otherwise it is
/// dropped, as the network may drop it any time.
class udp_send_op {
 public:
  class CETANE_API select_type final : public detail::line_place {
   public:
    explicit select_type(udp_send_op&& op) noexcept : port_(op.port_), kept_(std::move(op.kept_)) {}
    explicit select_type(udp_send_op& op) noexcept : select_type(std::move(op)) {}
    ~select_type() { disarm(); }

    bool poll() const noexcept;
    void arm() noexcept;
    void disarm() noexcept { leave(); }
    void commit() {
      if (armed_ || kept_ != nullptr) [[unlikely]]
        end_wait();
    }
    std::string describe_wait() const;

   private:
    void end_wait();

    detail::datagram_port& port_;
    detail::kept_datagram kept_;
    bool armed_ = false;
  };

  explicit udp_send_op(detail::datagram_port& port, detail::kept_datagram kept = {}) noexcept
      : port_(port), kept_(std::move(kept)) {}

  sole_wait<select_type> operator co_await() && { return sole_wait<select_type>(std::move(*this)); }
  sole_wait<select_type> operator co_await() & { return sole_wait<select_type>(*this); }

 private:
  detail::datagram_port& port_;
  detail::kept_datagram kept_;
};

}  // namespace cetane
