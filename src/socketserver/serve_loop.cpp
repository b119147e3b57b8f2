// The loop. A turn is: wait for the listener, the wake-up and whatever the mixins add; look whether
// the end is asked for; take one request; service_actions(). The interval of serve_forever() only
// paces service_actions().
#include <cetane/socketserver/base_server.hpp>

#include "socketserver/loop_state.hpp"

#include <cetane/base/errors.hpp>

#include <algorithm>
#include <cerrno>

#include <poll.h>

namespace cetane::socketserver {
namespace {

using clock = std::chrono::steady_clock;

timespec span_until(time_point until) {
  const duration left = std::max(duration::zero(), until - clock::now());
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  return {static_cast<time_t>(whole.count()), static_cast<long>((left - whole).count())};
}

}  // namespace

class base_server::loop_scope {
 public:
  loop_scope(loop_state& loop, bool serving) : loop_(loop) { loop.begin(serving); }
  loop_scope(const loop_scope&) = delete;
  loop_scope& operator=(const loop_scope&) = delete;
  ~loop_scope() { loop_.end(); }

 private:
  loop_state& loop_;
};

void base_server::serve_forever(any_duration poll_interval) {
  require_open("serve_forever");
  const loop_scope scope(*loop_, true);
  while (!loop_->stopping()) {
    const bool ready = wait(deadline_after(clock::now(), poll_interval));
    if (loop_->stopping()) return;
    if (ready) serve_one();
    if (fileno() < 0) return;  // a hook has closed the server
    service_actions();
  }
}

void base_server::handle_request() {
  require_open("handle_request");
  const loop_scope scope(*loop_, false);
  const time_point until = timeout ? deadline_after(clock::now(), *timeout) : never;
  for (;;) {
    if (wait(until)) return serve_one();
    if (clock::now() >= until) return handle_timeout();
  }
}

void base_server::shutdown() { loop_->stop_and_wait(); }

void base_server::request_shutdown() noexcept { loop_->request_stop(); }

void base_server::wake() noexcept { loop_->wake(); }

// Says whether there is a request to take.
bool base_server::wait(time_point until) {
  const bool resting = clock::now() < loop_->rest_until();
  const bool listening = !resting && accepting();
  if (resting) until = std::min(until, loop_->rest_until());

  std::vector<int> others;
  add_descriptors(others);
  std::vector<pollfd> asked;
  asked.push_back({listening ? fileno() : -1, POLLIN, 0});
  asked.push_back({loop_->wake_fd(), POLLIN, 0});
  for (const int fd : others) asked.push_back({fd, POLLIN, 0});
  for (;;) {
    const timespec left = span_until(until);
    const int count =
        ::ppoll(asked.data(), asked.size(), until == never ? nullptr : &left, nullptr);
    if (count >= 0) break;
    if (errno != EINTR) throw error("wait for requests", system_code(errno));
    if (loop_->stopping()) break;  // asked for by a signal handler
  }
  if (asked[1].revents != 0) loop_->drain();
  return asked[0].revents != 0;
}

}  // namespace cetane::socketserver
