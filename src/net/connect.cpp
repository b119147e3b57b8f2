#include <cetane/net/connect.hpp>

#include <net/stream.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/net/resolve.hpp>
#include <cetane/runtime/this_task.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

namespace cetane {
namespace {

constexpr duration full_backlog_pause = std::chrono::milliseconds(10);

/// A socket on its way to a peer, awaited until it is there or has failed.
class connecting final : public detail::poll_io, public detail::waitable {
 public:
  connecting(event_loop& loop, const address& to) noexcept : loop_(loop), to_(to) {}
  ~connecting() {
    if (descriptor < 0) return;
    loop_.io().unwatch(*this);
    loop_.io().close(descriptor, false);
  }

  /// 0 when connected at once, -EINPROGRESS when it must be awaited, or why not.
  int begin(const address* from) {
    int fd = -1;
    const int result = loop_.io().connect(to_, from, fd);
    if (result < 0 && result != -EINPROGRESS) return result;
    descriptor = fd;
    if (result == 0) return 0;
    if (const int failed = loop_.io().watch(*this); failed < 0) return failed;
    return -EINPROGRESS;
  }

  /// The connected socket, for its new owner.
  int take() noexcept {
    loop_.io().unwatch(*this);
    return std::exchange(descriptor, -1);
  }

  bool await_ready() const noexcept { return done_; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    task_ = frame.promise().context;
    task_->suspend(frame, *this);
  }
  int await_resume() {
    if (!done_) throw_cancelled(*task_);
    return result_;
  }

  void cancel_wait(detail::task_context& task) noexcept override {
    loop_.io().unwatch(*this);
    loop_.make_ready(task);
  }
  std::string describe_wait() const override { return "connect to " + to_.to_string(); }

 private:
  // The registration itself reports a socket that is neither connected nor failed yet as hung up:
  // ask what is true.
  void on_ready() noexcept override {
    if (done_) return;
    const int result = loop_.io().connect_result(descriptor);
    address peer;
    if (result == 0 && loop_.io().peer_address(descriptor, peer) == -ENOTCONN) return;
    done_ = true;
    result_ = result;
    if (task_ != nullptr) loop_.make_ready(*task_);
  }

  event_loop& loop_;
  address to_;
  detail::task_context* task_ = nullptr;
  int result_ = 0;
  bool done_ = false;
};

// A port that nobody listens on may be the very one that the system picks for our end: then TCP
// connects the socket to itself, and a client that tries again and again to reach its server on
// this machine would talk to itself and keep the port from it.
bool is_connected_to_itself(detail::backend& io, int descriptor, const address& to) {
  address own;
  address peer;
  return !to.is_unix() && io.local_address(descriptor, own) == 0 && own.port() == to.port() &&
         io.peer_address(descriptor, peer) == 0 && own == peer;
}

connect_error failure(const address& to, int code) {
  return connect_error("connect to " + to.to_string(), system_code(code));
}

}  // namespace

connect_op&& connect_op::from(const std::string& ip) && {
  const std::optional<address> source = address::parse_ip(ip, 0);
  if (!source) throw std::invalid_argument("connect from " + ip + ": this is no IP address");
  return std::move(*this).from(*source);
}

task<connection> connect_op::make(connect_op op) {
  std::optional<connection> made = co_await move_on_after(op.timeout_, try_all(op));
  if (made) co_return std::move(*made);
  const std::string where =
      op.to_ ? op.to_->to_string() : fmt::format("{}:{}", escape(op.host_), op.port_);
  throw connect_timeout("connect to " + where, op.timeout_);
}

task<connection> connect_op::try_all(const connect_op& op) {
  if (op.to_) co_return co_await try_one(op, *op.to_);
  std::exception_ptr last;
  const std::vector<address> choices = co_await resolve(op.host_, op.port_);
  for (const address& choice : choices) {
    try {
      co_return co_await try_one(op, choice);
    } catch (const connect_error&) {
      last = std::current_exception();
    }
  }
  std::rethrow_exception(last);
}

task<connection> connect_op::try_one(const connect_op& op, const address& to) {
  event_loop& loop = detail::this_loop("connect");
  connecting attempt(loop, to);
  const address* const from = op.from_ ? &*op.from_ : nullptr;
  int result = attempt.begin(from);
  // Too many wait to be accepted; for TCP the system waits by itself.
  while (result == -EAGAIN && to.is_unix()) {
    co_await sleep(full_backlog_pause);
    result = attempt.begin(from);
  }
  if (result == -EINPROGRESS) result = co_await attempt;
  if (result == 0 && is_connected_to_itself(loop.io(), attempt.descriptor, to))
    result = -ECONNREFUSED;
  if (result < 0) throw failure(to, result);

  static const connection_limits usual;
  if (!to.is_unix()) loop.io().set_keepalive(attempt.descriptor);
  auto stream = std::make_unique<detail::stream>(loop, usual);
  if (const int failed = stream->open(attempt.take(), to); failed < 0) throw failure(to, failed);
  co_return connection(*stream.release());
}

}  // namespace cetane
