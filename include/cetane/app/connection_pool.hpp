#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/runtime/timer.hpp>
#include <cetane/sync/semaphore.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane {

class connection_pool;
class event_loop;

/// The limits of a connection pool: `connection_pool_limits().open(8).idle(2).idle_timeout(10s)`.
class connection_pool_limits {
 public:
  connection_pool_limits() noexcept = default;

  /// How many are in use at a time (100); then acquire() waits.
  connection_pool_limits& open(std::size_t n) noexcept { return open_ = n, *this; }
  /// How many are kept while nobody uses them (5).
  connection_pool_limits& idle(std::size_t n) noexcept { return idle_ = n, *this; }
  /// For how long (30 s).
  connection_pool_limits& idle_timeout(any_duration span) noexcept {
    return idle_timeout_ = span, *this;
  }

 private:
  friend connection_pool;

  std::size_t open_ = default_pool_open;
  std::size_t idle_ = default_pool_idle;
  duration idle_timeout_ = default_pool_idle_timeout;
};

/// One connection of a pool, for one request: it is closed when this is destroyed, unless
/// give_back() was called before. Movable.
class CETANE_API [[nodiscard("what nobody keeps is closed at once")]] connection_lease {
 public:
  connection_lease(connection_lease && other) noexcept
      : from_(std::exchange(other.from_, nullptr)),
        permit_(std::move(other.permit_)),
        connection_(std::move(other.connection_)) {}
  connection_lease& operator=(connection_lease&&) = delete;
  ~connection_lease() = default;

  connection& operator*() noexcept { return connection_; }
  connection* operator->() noexcept { return &connection_; }

  /// The answer is there, whole: the connection is for the next who needs one. This is empty then.
  ///
  /// One whose peer has left, or has said more than it was asked, is closed all the same.
  void give_back() noexcept;

 private:
  friend connection_pool;

  connection_lease(connection_pool & from, semaphore_permit permit, connection one) noexcept
      : from_(&from), permit_(std::move(permit)), connection_(std::move(one)) {}

  connection_pool* from_;
  semaphore_permit permit_;  // released when the connection is back, or closed
  connection connection_;
};

namespace detail {

/// The pools with connections that nobody uses: those are closed with their loop, which a pool may
/// outlive.
class pools_of_loop;

}  // namespace detail

/// Connections to one server, kept for who needs one next.
///
///     connection_pool db("db", 5432, connection_pool_limits().open(8));
///
///     auto server = co_await db.acquire();
///     co_await server->send(question, "\r\n");
///     std::string answer = co_await server->until_eol();
///     server.give_back();
///
/// A request that does not come to its give_back(), since it fails or is cancelled, closes its
/// connection. The one that was used last is given out first; one whose peer has left meanwhile, or
/// has said something, is closed instead. It stays as its last user has left it: label, limits,
/// idle_timeout. Loop thread only; the pool outlives its leases.
class CETANE_API connection_pool : detail::timer, list_hook<detail::pools_of_loop> {
 public:
  /// Makes connections by connect(host, port).
  /// @throws std::invalid_argument  None may be open, or the timeout is negative.
  connection_pool(std::string host, std::uint16_t port,
                  connection_pool_limits limits = connection_pool_limits());

  /// Makes them by make(), a task<connection>, which is kept as a copy:
  /// `connection_pool db([] { return open_and_greet("db"); });`
  template <class Make>
  requires std::is_invocable_r_v<task<connection>, Make&> explicit connection_pool(
      Make make, connection_pool_limits limits = connection_pool_limits())
      : connection_pool(std::function<task<connection>()>(std::move(make)), limits, kept()) {}
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;
  ~connection_pool();

  /// Suspends while as many are in use as may be, first come, first served; then gives a connection
  /// that nobody uses, or makes one.
  ///
  /// @throws  What making one throws: connect_error, connect_timeout, resolve_error.
  /// @throws std::logic_error  The pool is another loop's.
  /// @par Cancellation  Nothing is taken; what is being made is given up.
  task<connection_lease> acquire();

  /// Closes the connections that nobody uses.
  void clear() noexcept;

  std::size_t idle() const noexcept { return idle_.size(); }
  std::size_t in_use() const noexcept { return limits_.open_ - free_.available(); }

 private:
  friend connection_lease;
  friend detail::pools_of_loop;
  friend class intrusive_list<connection_pool, detail::pools_of_loop>;

  struct kept {};
  struct idle_connection {
    idle_connection(connection kept, time_point end) noexcept : one(std::move(kept)), until(end) {}
    connection one;
    time_point until;
  };

  connection_pool(std::function<task<connection>()> make, connection_pool_limits limits, kept);

  void join_loop();
  connection take_idle();
  void take_back(connection one) noexcept;
  void close_surplus() noexcept;
  void on_timer() noexcept override;
  void await_next_end() noexcept;

  std::function<task<connection>()> make_;
  connection_pool_limits limits_;
  semaphore free_;
  std::vector<idle_connection> idle_;  // in the order in which they were given back
  std::size_t waiting_ = 0;
  event_loop* loop_ = nullptr;
};

}  // namespace cetane
