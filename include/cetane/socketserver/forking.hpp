#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/os/process.hpp>
#include <cetane/socketserver/base_server.hpp>
#include <cetane/socketserver/handler_children.hpp>

#include <concepts>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

namespace cetane::socketserver {

/// Serves each request of `Server` in a child process: `struct chat : forking<tcp_server>`.
///
/// finish_request(), handle_error() and shutdown_request() run in the child, which has its request
/// and none of the library's other sockets. What they change never reaches the server.
/// fork_process() says what else holds in a child.
template <std::derived_from<base_server> Server>
class forking : public Server {
 public:
  std::size_t max_children = default_server_children;  ///< then nothing is accepted
  bool block_on_close = true;                          ///< server_close() waits for the children
  bool close_listener_in_child = true;  ///< a datagram's child keeps it for its reply
  threads_at_fork threads = threads_at_fork::allow;

  void process_request(request& asked, const address& client) override {
    collect_children();
    fork_options options;
    options.kept.push_back(asked.socket().fileno());
    if (!close_listener_in_child) options.kept.push_back(this->fileno());
    options.threads = threads;
    children_.start(
        [&] {
          children_.forget();
          in_child();
          return this->serve_alone(asked, client);
        },
        options);
    this->close_request(asked);
  }

  /// In the child, before its request is served.
  virtual void in_child() {}
  /// In the parent, for each child that has ended.
  virtual void child_ended(int pid, const child_status& status) {
    static_cast<void>(pid);
    static_cast<void>(status);
  }

  /// Forgets the children that have ended, or waits for all. Nobody else's are touched.
  void collect_children(bool blocking = false) {
    for (const ended_child& one : children_.collect(blocking)) child_ended(one.pid, one.status);
  }
  /// The children that are not known to have ended.
  [[nodiscard]] std::set<int> active_children() const { return children_.pids(); }

  void service_actions() override {
    Server::service_actions();
    collect_children();
  }
  void handle_timeout() override {
    Server::handle_timeout();
    collect_children();
  }
  void server_close() override {
    Server::server_close();
    collect_children(block_on_close);
  }

 protected:
  template <class... Args>
  explicit forking(Args&&... args) : Server(std::forward<Args>(args)...) {
    this->timeout = std::chrono::seconds(300);
  }

  // Collects whenever the loop is about to wait: the descriptor of a child that has ended, and is
  // not known to have, would end each wait at once.
  bool accepting() override {
    collect_children();
    return children_.size() < max_children && Server::accepting();
  }
  void add_descriptors(std::vector<int>& out) const override {
    children_.add_pidfds(out);
    Server::add_descriptors(out);
  }

 private:
  using ended_child = detail::ended_child;

  detail::handler_children children_;
};

}  // namespace cetane::socketserver
