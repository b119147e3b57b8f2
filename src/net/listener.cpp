#include <net/listener.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cerrno>
#include <utility>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr duration rest_span = 100ms;

const log::logger listener_log("listener");

// accept(2): errors of the connection that was to be accepted, which is gone then. The next one may
// be well.
bool is_passing(int error) noexcept {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

int listener::open(const address& at, const listen_request& request,
                   std::size_t accepts_per_wake_up) {
  accepts_per_wake_up_ = accepts_per_wake_up;
  int fd = -1;
  if (const int failed = loop_.io().listen(at, request, fd, bound_); failed < 0) return failed;
  if (const int failed = watch(fd); failed < 0) return failed;
  if (!loop_.io().simulated()) file_.made_at(bound_);
  return 0;
}

int listener::adopt(unique_fd shared, const address& bound, std::size_t accepts_per_wake_up,
                    bool removes_file) {
  accepts_per_wake_up_ = accepts_per_wake_up;
  bound_ = bound;
  if (const int failed = loop_.io().take_over(shared.get()); failed < 0) return failed;
  if (const int failed = watch(shared.release()); failed < 0) return failed;
  if (removes_file) file_.made_at(bound_);
  return 0;
}

int listener::watch(int socket) {
  descriptor = socket;
  const int failed = loop_.io().watch(*this);
  if (failed < 0) loop_.io().close(std::exchange(descriptor, -1), false);
  return failed;
}

void listener::close() noexcept {
  if (!is_open()) return;
  disarm();
  loop_.io().unwatch(*this);
  loop_.io().close(std::exchange(descriptor, -1), false);
  file_.remove();
}

void listener::resume() noexcept {
  if (is_open() && readable) loop_.arm(*this, loop_.now());
}

void listener::accept_some() noexcept {
  for (std::size_t n = 0; n < accepts_per_wake_up_; ++n) {
    if (!is_open() || !readable || !sink_.has_room()) return;
    int accepted = -1;
    address peer;
    const int result = loop_.io().accept(*this, accepted, peer);
    if (result == 0) {
      sink_.on_accept(accepted, peer);
    } else if (result == -EAGAIN) {
      return;
    } else if (!is_passing(-result)) {
      return rest(-result);
    }
  }
  loop_.arm(*this, loop_.now());  // there may be more, after others had their turn
}

void listener::rest(int error) noexcept {
  if (complaint_.due(loop_.now())) {
    listener_log.warning("cannot accept on {}: {}; trying again every 100 ms", bound_,
                         reason_text(system_code(error)));
  }
  loop_.arm(*this, deadline_after(loop_.now(), rest_span));
}

}  // namespace cetane::detail
