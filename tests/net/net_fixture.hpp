#pragma once

#include <support/connected_pair.hpp>
#include <support/over_tls.hpp>
#include <support/test_loop.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cetane::test {

using namespace std::chrono_literals;

/// A loop with a connection in it, and both its ends.
struct net_fixture {
  net_fixture() { secure(); }
  explicit net_fixture(std::unique_ptr<detail::backend> io) : loop(std::move(io)) { secure(); }

  test_loop loop;
  connected_pair pair{loop, socket_buffers::small};
  connection& here = pair.here;
  connection& there = pair.there;

  /// Starts a task that is given `here`.
  template <class Fn, class... Args>
  auto begin(Fn&& fn, Args&&... args) {
    return loop.spawn(std::forward<Fn>(fn), std::ref(here), std::forward<Args>(args)...);
  }

  void until(const std::function<bool()>& holds) { run_until(loop, holds); }
  void settle() { test::settle(loop); }
  void arrives(std::string_view text) { deliver(loop, there, text); }
  /// Bytes of a handshake, if there was one, are not among them.
  loop_stats stats() {
    loop_stats now = loop.loop().stats();
    now.bytes_queued -= before_.bytes_queued;
    now.bytes_sent -= before_.bytes_sent;
    now.bytes_received -= before_.bytes_received;
    return now;
  }

  /// Waits for the end of a task and gives its result, or throws what ended it.
  template <class T>
  T result(join_handle<T>& of) {
    until([&] { return of.done(); });
    return loop.run([](join_handle<T>& handle) -> task<T> { co_return co_await handle; }, of);
  }
  template <class T>
  T result(join_handle<T>&& of) {
    return result(of);
  }

  /// The peer ends its output, and this end has learnt it.
  void peer_ends() {
    loop.run([](connection& c) -> task<> { co_await c.send_eof(); }, there);
    settle();
  }

 private:
  void secure() {
    if (!over_tls()) return;
    make_secure(loop, here, there);
    before_ = loop.loop().stats();
  }

  loop_stats before_;
};

/// The same on a network without delay: a simulation's time does not pass while a task is always
/// ready.
struct prompt_fixture : net_fixture {
  prompt_fixture() : net_fixture(make_prompt_backend()) {}

 private:
  static std::unique_ptr<detail::backend> make_prompt_backend() {
    if (!on_sim()) return make_test_backend();
    return make_sim_backend(sim_options(test_seed()).set_latency(0s, 0s));
  }
};

// What a test asks of a connection, each as a task.

inline task<std::string> read_line(connection& from) { co_return co_await from.until_eol(); }
inline task<std::string> read_line_within(connection& from, std::size_t limit) {
  co_return co_await from.until_eol(limit);
}
inline task<std::string> read_crlf_line(connection& from) {
  co_return co_await from.until_eol(line_end::crlf);
}
inline task<std::string> read_until(connection& from, std::string mark) {
  co_return co_await from.until(mark);
}
inline task<std::string> read_until_within(connection& from, std::string mark, std::size_t limit) {
  co_return co_await from.until(mark, limit);
}
inline task<std::string> read_bytes(connection& from, std::size_t count) {
  co_return co_await from.receive(count);
}
inline task<std::string> read_some(connection& from) {
  const chunk bytes = co_await from.receive_some();
  co_return std::string(bytes.view());
}
inline task<std::string> read_to_end(connection& from) { co_return co_await from.until_eof(); }
inline task<std::optional<std::string>> read_next_line(connection& from) {
  co_return co_await from.next_line();
}
inline task<std::optional<std::string>> read_next_chunk(connection& from) {
  const std::optional<chunk> bytes = co_await from.next_chunk();
  if (!bytes) co_return std::nullopt;
  co_return std::string(bytes->view());
}
inline task<> send_text(connection& to, std::string text) { co_await to.send(text); }
inline task<> drain(connection& to) { co_await to.drain(); }
inline task<> send_eof(connection& to) { co_await to.send_eof(); }
inline task<closed_by_peer> wait_closed(connection& of) { co_return co_await of.closed(); }

}  // namespace cetane::test
