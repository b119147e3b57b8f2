#include <cetane/socketserver/handler_threads.hpp>

#include "os/signals.hpp"

#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/socketserver/errors.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace cetane::socketserver::detail {
namespace {

const log::logger threads_log("socketserver");

void serve_logged(const std::function<void(request&)>& serve, request& own) {
  try {
    serve(own);
  } catch (const std::exception& e) {
    threads_log.error("a handler's thread failed: {}", e.what());
  } catch (...) {
    if (std::current_exception() == nullptr) throw;  // glibc ends the thread
    threads_log.error("a handler's thread failed with something that is no std::exception");
  }
}

}  // namespace

class handler_threads::state {
 public:
  struct entry {
    explicit entry(const request& asked) : own(asked) { own.set_stop(stop.get_token()); }

    std::stop_source stop;
    request own;
    std::atomic<bool> finished = false;
    std::thread thread;
  };

  explicit state(std::function<void()> again) : room_again(std::move(again)) {}

  void run(entry& mine, const std::function<void(request&)>& serve) {
    const scope_exit leave([&] {
      --live;
      if (resting.exchange(false)) room_again();
      mine.finished = true;  // last: it may be joined and gone at once
    });
    serve_logged(serve, mine.own);
  }

  mutable std::mutex mutex;  // of the list
  std::list<entry> entries;
  std::atomic<std::size_t> live = 0;
  std::atomic<bool> resting = false;  // room_again() is to be called
  const std::function<void()> room_again;
};

handler_threads::handler_threads(std::function<void()> room_again)
    : state_(std::make_unique<state>(std::move(room_again))) {}

handler_threads::~handler_threads() { close(on_close::join); }

void handler_threads::start(const request& asked, std::function<void(request&)> serve) {
  reap();
  const std::lock_guard lock(state_->mutex);
  state::entry& added = state_->entries.emplace_back(asked);
  ++state_->live;
  try {
    const os::signals_blocked blocked;
    added.thread = std::thread(
        [this, &added, own_serve = std::move(serve)] { state_->run(added, own_serve); });
  } catch (...) {
    --state_->live;
    state_->entries.pop_back();
    throw;
  }
}

void handler_threads::reap() {
  std::list<state::entry> ended;
  const std::lock_guard lock(state_->mutex);
  for (auto at = state_->entries.begin(); at != state_->entries.end();) {
    const auto here = at++;
    if (here->finished) ended.splice(ended.end(), state_->entries, here);
  }
  for (state::entry& one : ended) one.thread.join();
}

void handler_threads::close(on_close policy) {
  if (policy == on_close::detach) return;
  std::list<state::entry> left;
  {
    const std::lock_guard lock(state_->mutex);
    left.swap(state_->entries);
  }
  if (policy == on_close::abort_then_join) {
    for (state::entry& one : left) {
      one.stop.request_stop();
      if (!one.own.is_datagram()) one.own.socket().abort();
    }
  }
  for (state::entry& one : left) one.thread.join();
}

void handler_threads::refuse_own_thread(on_close policy) const {
  if (policy == on_close::detach) return;
  const std::lock_guard lock(state_->mutex);
  for (const state::entry& one : state_->entries) {
    if (one.thread.get_id() == std::this_thread::get_id()) {
      throw would_deadlock(
          "server_close: it would wait for the handler that calls it; call request_shutdown()");
    }
  }
}

// The flag goes up before the second look, so that a thread that ends meanwhile is seen either way.
bool handler_threads::has_room(std::size_t most) noexcept {
  if (most == 0 || state_->live < most) return true;
  state_->resting = true;
  return state_->live < most;
}

std::size_t handler_threads::live() const noexcept { return state_->live; }

std::size_t handler_threads::tracked() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->entries.size();
}

}  // namespace cetane::socketserver::detail
