#include <cetane/net/connect_udp.hpp>

#include <net/datagram_link.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/net/resolve.hpp>
#include <cetane/runtime/this_task.hpp>

#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace cetane {
namespace {

using namespace detail;

/// A socket that has one peer. It receives when somebody wants a datagram, and no sooner.
class connected_socket final : public datagram_link, datagram_sink {
 public:
  connected_socket(event_loop& loop, const address& to) noexcept
      : datagram_link(to), port_(loop, *this) {}
  ~connected_socket() { end(); }

  int open(const address& from) {
    datagram_request request;
    request.to = &remote_;
    request.merged = true;
    return port_.open(from, request);
  }

  datagram_port& port() noexcept override { return port_; }
  const address* destination() const noexcept override { return nullptr; }
  void end() noexcept override {
    close();
    port_.close();
  }
  void release() noexcept override { delete this; }
  std::uint64_t dropped() const noexcept override { return port_.dropped(); }

 private:
  bool wants_datagrams() noexcept override { return is_awaited() && is_empty(); }
  void on_datagram(const os::arrived_datagram& what) noexcept override {
    try {
      put(what);
    } catch (const std::bad_alloc&) {
      port_.count_dropped();
    }
  }
  // While one waits to be heard, others say nothing new.
  void on_undelivered(const address&, int error) noexcept override {
    if (told_ || is_closed()) return;
    try {
      put_undelivered(error);
      told_ = true;
    } catch (const std::bad_alloc&) {
      // nobody relies on such notes
    }
  }
  void look() noexcept override { port_.read(); }
  void on_taken(std::size_t) noexcept override {
    if (is_empty()) told_ = false;
  }
  void throw_silence() const override {
    throw connection_closed("receive from", remote_.to_string(), {}, errc::closed_here);
  }

  datagram_port port_;
  bool told_ = false;
};

connect_error failure(const address& to, int code) {
  return connect_error("connect to " + to.uri("udp"), system_code(code));
}

}  // namespace

task<udp_peer> connect_udp_op::make(connect_udp_op op) {
  if (op.to_) co_return try_one(op, *op.to_);
  std::optional<udp_peer> made = co_await move_on_after(op.timeout_, try_all(op));
  if (made) co_return std::move(*made);
  throw connect_timeout(fmt::format("connect to udp://{}:{}", escape(op.host_), op.port_),
                        op.timeout_);
}

task<udp_peer> connect_udp_op::try_all(const connect_udp_op& op) {
  std::exception_ptr last;
  const std::vector<address> choices = co_await resolve(op.host_, op.port_);
  for (const address& choice : choices) {
    try {
      co_return try_one(op, choice);
    } catch (const connect_error&) {
      last = std::current_exception();
    }
  }
  std::rethrow_exception(last);
}

udp_peer connect_udp_op::try_one(const connect_udp_op& op, const address& to) {
  auto made = std::make_unique<connected_socket>(detail::this_loop("connect_udp"), to);
  const int failed = made->open(op.from_ ? *op.from_ : address());
  if (failed < 0) throw failure(to, failed);
  return udp_peer(*made.release());
}

}  // namespace cetane
