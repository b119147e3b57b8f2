// Listing 2.4 of the Python Network Programming Cookbook: a web server on epoll, which answers
// every request with the same page.
//
// Run:   ./dev run cookbook/2_4_simple_web_server_with_epoll --port=8800
// Type:  curl http://localhost:8800/
// See:   Hello from Epoll Server!        and in the server's terminal the request
//
// examples/cookbook/web_server_tasks.cpp is the same server with tasks.

#include "port_option.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/polling/epoll.hpp>
#include <cetane/socketserver/socketserver.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

namespace polling = cetane::polling;
namespace socketserver = cetane::socketserver;
using cetane::unique_fd;
using polling::events;

constexpr std::string_view page =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 1 Apr 2013 01:01:01 GMT\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 25\r\n"
    "\r\n"
    "\nHello from Epoll Server!";
constexpr std::size_t most_clients = 500;
constexpr std::size_t longest_request = 64 * 1024;

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// [client-state]
// Where a client is between two events: it sends its request, takes the page, or has taken it.
struct client {
  unique_fd fd;
  std::string request;
  std::string_view page_left;
  bool answered = false;
};
// [/client-state]

struct web_listener : socketserver::tcp_server {
  web_listener(socketserver::endpoint where, socketserver::handler_factory make)
      : tcp_server(std::move(where), std::move(make)) {
    allow_reuse_address = true;
    request_queue_size = 1;
  }
};

class web_server {
 public:
  explicit web_server(std::uint16_t port)
      : listener_({"localhost", port}, socketserver::handler<socketserver::base_request_handler>) {
    const int on = 1;  // connections inherit it
    ::setsockopt(listener_.fileno(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch_for_interruption();
    epoll_.add(listener_.fileno(), events::in);
    say("Started Epoll Server");
  }

  // [loop]
  void run() {
    for (;;) {
      for (const auto& [fd, happened] : epoll_.wait()) {
        if (fd == interrupted_.get()) return;
        if (fd == listener_.fileno()) {
          accept_one();
        } else if (!serve(clients_.at(fd), happened)) {
          forget(fd);
        }
      }
    }
  }
  // [/loop]

 private:
  void watch_for_interruption() {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) throw std::runtime_error("no pipe");
    interrupted_.reset(ends[0]);
    interrupting_.reset(ends[1]);
    signal_goes_to = ends[1];
    epoll_.add(interrupted_.get(), events::in);
    const auto tell = [](int) { [[maybe_unused]] const auto n = ::write(signal_goes_to, "", 1); };
    std::signal(SIGINT, tell);
    std::signal(SIGTERM, tell);
  }

  void accept_one() {
    unique_fd fd(::accept4(listener_.fileno(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    const int number = fd.get();
    clients_[number].fd = std::move(fd);
    epoll_.add(number, events::in);
    if (clients_.size() == most_clients) epoll_.modify(listener_.fileno(), events::none);
  }

  void forget(int fd) {
    epoll_.remove(fd);
    clients_.erase(fd);
    if (clients_.size() == most_clients - 1) epoll_.modify(listener_.fileno(), events::in);
  }

  // [serve]
  // One step of a client's conversation; false when it is over.
  bool serve(client& one, events happened) {
    if (polling::any(happened, events::error)) return false;
    if (polling::any(happened, events::out)) return send_page(one);
    if (one.answered) return read_and_drop(one);
    return read_request(one);
  }
  // [/serve]

  bool read_request(client& one) {
    char bytes[1024];
    const ssize_t count = ::recv(one.fd.get(), bytes, sizeof bytes, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;  // it left before its request was whole
    one.request.append(bytes, static_cast<std::size_t>(count));
    if (one.request.size() > longest_request) return false;
    if (one.request.find("\n\n") == std::string::npos &&
        one.request.find("\n\r\n") == std::string::npos) {
      return true;
    }
    say(std::string(40, '-') + "\n" + one.request.substr(0, one.request.size() - 2));
    one.page_left = page;
    epoll_.modify(one.fd.get(), events::out);
    return true;
  }

  bool send_page(client& one) {
    const ssize_t count =
        ::send(one.fd.get(), one.page_left.data(), one.page_left.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    one.page_left.remove_prefix(static_cast<std::size_t>(count));
    if (!one.page_left.empty()) return true;
    // Closing at once would reset a client that is still sending.
    ::shutdown(one.fd.get(), SHUT_WR);
    one.answered = true;
    epoll_.modify(one.fd.get(), events::in);
    return true;
  }

  static bool read_and_drop(client& one) {
    char bytes[1024];
    const ssize_t count = ::recv(one.fd.get(), bytes, sizeof bytes, 0);
    return count > 0 || (count < 0 && errno == EAGAIN);
  }

  static inline int signal_goes_to = -1;

  socketserver::live<web_listener> listener_;
  polling::epoll epoll_;
  unique_fd interrupted_, interrupting_;
  std::map<int, client> clients_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint16_t port = read_port(argc, argv);
  try {
    web_server(port).run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
