#include <cetane/app/connection_pool.hpp>

#include <net/quiet.hpp>

#include <cetane/base/scope_exit.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <stdexcept>

namespace cetane {

/// Knows the pools that have connections in its loop.
class detail::pools_of_loop final : public loop_part {
 public:
  explicit pools_of_loop(event_loop&) noexcept {}
  ~pools_of_loop() override {
    while (connection_pool* const each = pools_.pop_front()) {
      each->clear();
      each->loop_ = nullptr;
    }
  }

  void add(connection_pool& pool) noexcept { pools_.push_back(pool); }

 private:
  intrusive_list<connection_pool, pools_of_loop> pools_;
};

namespace {

task<connection> make_by_connect(std::string host, std::uint16_t port) {
  co_return co_await connect(std::move(host), port);
}

}  // namespace

void connection_lease::give_back() noexcept {
  if (connection_pool* const to = std::exchange(from_, nullptr))
    to->take_back(std::move(connection_));
  permit_.release();
}

connection_pool::connection_pool(std::string host, std::uint16_t port,
                                 connection_pool_limits limits)
    : connection_pool([host = std::move(host), port] { return make_by_connect(host, port); },
                      limits) {}

connection_pool::connection_pool(std::function<task<connection>()> make,
                                 connection_pool_limits limits, kept)
    : make_(std::move(make)), limits_(limits), free_(limits.open_) {
  if (limits_.open_ == 0)
    throw std::invalid_argument("a connection pool has one connection at least");
  if (limits_.idle_timeout_ < duration::zero())
    throw std::invalid_argument("a connection pool keeps connections for a time of zero or more");
}

connection_pool::~connection_pool() = default;

task<connection_lease> connection_pool::acquire() {
  join_loop();
  semaphore_permit permit;
  connection one;
  {
    ++waiting_;
    const scope_exit no_longer([this] {
      --waiting_;
      close_surplus();
    });
    permit = co_await free_.acquire();
    one = take_idle();
  }
  if (!one) one = co_await make_();
  co_return connection_lease(*this, std::move(permit), std::move(one));
}

void connection_pool::clear() noexcept {
  disarm();
  idle_.clear();
}

void connection_pool::join_loop() {
  event_loop& here = detail::this_loop("connection_pool::acquire");
  if (loop_ == &here) return;
  if (loop_ != nullptr)
    throw std::logic_error("a connection pool belongs to one event loop; make one for each");
  here.part<detail::pools_of_loop>().add(*this);
  loop_ = &here;
}

connection connection_pool::take_idle() {
  connection one;
  while (!idle_.empty() && !one) {
    one = std::move(idle_.back().one);
    idle_.pop_back();
    if (!detail::is_quiet(one)) one = connection();
  }
  await_next_end();
  return one;
}

// Without memory for the note it is closed.
void connection_pool::take_back(connection one) noexcept {
  if (loop_ == nullptr || !detail::is_quiet(one)) return;
  try {
    idle_.emplace_back(std::move(one), deadline_after(loop_->now(), limits_.idle_timeout_));
  } catch (const std::bad_alloc&) {
    return;
  }
  close_surplus();
}

// What somebody waits for is none: whoever gives a connection back lets the first in line go on.
void connection_pool::close_surplus() noexcept {
  const std::size_t wanted = std::max(limits_.idle_, waiting_);
  if (idle_.size() > wanted)
    idle_.erase(idle_.begin(), idle_.end() - static_cast<std::ptrdiff_t>(wanted));
  await_next_end();
}

void connection_pool::on_timer() noexcept {
  const time_point now = loop_->now();
  const auto kept = std::find_if(idle_.begin(), idle_.end(),
                                 [now](const idle_connection& each) { return each.until > now; });
  idle_.erase(idle_.begin(), kept);
  await_next_end();
}

void connection_pool::await_next_end() noexcept {
  if (idle_.empty()) return disarm();
  if (!armed() || deadline() != idle_.front().until) loop_->arm(*this, idle_.front().until);
}

}  // namespace cetane
