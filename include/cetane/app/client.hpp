#pragma once

#include <cetane/base/config.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/os/address.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cetane {

namespace detail {
struct client_state;
}

/// One side of a conversation by question and answer. A program derives its own client from this
/// one, which adds what can be asked:
///
///     class line_client : public cetane::client {
///      public:
///       using client::client;
///
///       cetane::task<std::string> ask(std::string question) {
///         call asking(*this, "ask");
///         co_await asking->send(question, "\r\n");
///         std::string answer = co_await asking->until_eol();
///         asking.done();
///         co_return answer;
///       }
///     };
///
///     line_client db(co_await cetane::connect("db", 5432).timeout(5s));
///
/// One call at a time: who begins a second one gets client_busy, and not the answer to the first. A
/// call that does not come to its done(), since it fails or is cancelled, closes the connection:
/// what is still to come would be taken for the answer to the next. The connection is closed with
/// its client, and so with the task that owns it; a call of another task then ends by
/// connection_closed. Loop thread only; the loop outlives it.
class CETANE_API client {
 public:
  explicit client(connection made);
  client(client&&) noexcept = default;
  client& operator=(client&& other) noexcept {
    client taken(std::move(other));
    std::swap(state_, taken.state_);
    return *this;
  }
  ~client() { close(); }

  /// Closes the connection, as connection::close() does. A call that is under way ends by
  /// connection_closed.
  void close() noexcept;

  /// Whether it was closed, by close() or by a call that did not come to its end, or broke.
  bool is_closed() const;

  /// Whether another call may begin: none is under way, the peer is there, and nothing has come
  /// that nobody has asked for. For who keeps clients to use them again, in a pool for example.
  bool is_idle() const;

  /// The peer's address.
  const address& remote() const;

 protected:
  /// One call, from its question to its answer: a variable of the coroutine that makes it.
  class CETANE_API call {
   public:
    /// @param name  What is called, for messages: "ask".
    /// @throws client_busy        A call of this client is under way.
    /// @throws connection_closed  The client is closed.
    call(client& of, std::string_view name);
    call(const call&) = delete;
    call& operator=(const call&) = delete;
    ~call();

    /// The client's connection, until done().
    connection& operator*() const noexcept;
    connection* operator->() const noexcept { return &**this; }

    /// The answer is there, whole: another call may begin.
    void done() noexcept;

   private:
    std::shared_ptr<detail::client_state> state_;
  };

 private:
  detail::client_state& state() const;

  std::shared_ptr<detail::client_state> state_;
};

}  // namespace cetane
