#pragma once

#include "os/fork_hook.hpp"
#include "os/socket.hpp"
#include "support/sanitizers.hpp"

#include <cetane/socketserver/socketserver.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cerrno>
#include <concepts>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace socketserver_fixture {

using namespace cetane::socketserver;
using cetane::address;
using cetane::unique_fd;

/// Bytes that the program has allocated and not freed. Less than nothing where a sanitizer has its
/// own memory, which mallinfo2 knows nothing of.
inline long allocated_bytes() {
#if CETANE_TEST_ADDRESS_SANITIZER || CETANE_TEST_THREAD_SANITIZER
  return -1;
#else
  return static_cast<long>(::mallinfo2().uordblks);
#endif
}

/// What 400 requests may leave behind: the allocator keeps some memory, for threads that have ended
/// for example; 32 bytes of each request would be more.
constexpr long small_change = 12'800;

inline endpoint any_port() { return endpoint("127.0.0.1", 0); }

/// A connection to a server, whose calls wait.
class stream_client : public blocking_socket {
 public:
  // No fork from before the connection is made until it has an owner, who closes it in children.
  explicit stream_client(const address& to,
                         const cetane::os::forks_held_back& = cetane::os::forks_held_back())
      : blocking_socket(connect(to)) {}

  std::string until_end() {
    std::string all;
    for (;;) {
      const std::string part = recv(65536);
      if (part.empty()) return all;
      all += part;
    }
  }
  std::string exactly(std::size_t count) {
    std::string all;
    while (all.size() < count) {
      const std::string part = recv(count - all.size());
      if (part.empty()) break;
      all += part;
    }
    return all;
  }

 private:
  static unique_fd connect(const address& to) {
    unique_fd fd;
    int result = cetane::os::begin_connect(to, nullptr, fd);
    if (result == -EINPROGRESS) {
      pollfd one{fd.get(), POLLOUT, 0};
      ::poll(&one, 1, -1);
      result = cetane::os::connect_result(fd.get());
    }
    if (result < 0) throw std::system_error(-result, std::system_category(), "connect");
    return fd;
  }
};

/// A socket for datagrams, bound to an address of its own unless it shall have none.
class datagram_client : public blocking_socket {
 public:
  explicit datagram_client(const address& own) : blocking_socket(open(own)) {}

  std::string ask(std::string_view packet, const address& server) {
    sendto(packet, server);
    address from;
    std::string answer = recvfrom(65536, from);
    CHECK(from == server);
    return answer;
  }

 private:
  static unique_fd open(const address& own) {
    sockaddr_storage raw;
    const auto length = own.to_sockaddr(raw);
    const int domain = length == 0 ? AF_UNIX : raw.ss_family;
    unique_fd fd(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (length > 0) REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&raw), length) == 0);
    return fd;
  }
};

/// The loop of a server on a thread of its own.
class serving {
 public:
  explicit serving(base_server& server,
                   cetane::duration poll_interval = std::chrono::milliseconds(500))
      : server_(server), thread_([this, poll_interval] {
          try {
            server_.serve_forever(poll_interval);
          } catch (...) {
            failure_ = std::current_exception();
          }
        }) {}
  serving(const serving&) = delete;
  serving& operator=(const serving&) = delete;
  ~serving() {
    if (thread_.joinable()) stop();
  }

  void stop() {
    server_.shutdown();
    join();
  }
  /// Waits for a loop that ends by itself.
  void join() { thread_.join(); }
  /// What left the loop.
  std::exception_ptr failure() const { return failure_; }

 private:
  base_server& server_;
  std::exception_ptr failure_;
  std::thread thread_;
};

/// A server of which every request must go well.
template <class Server>
struct strict : Server {
  using Server::Server;
  void handle_error(request&, const address&, std::exception_ptr failure) override {
    ++errors;
    std::rethrow_exception(failure);
  }
  std::atomic<int> errors = 0;
};

/// Counts the children that failed.
template <class Server>
struct strict_forking : strict<forking<Server>> {
  using strict<forking<Server>>::strict;
  void child_ended(int, const cetane::child_status& status) override {
    ++(status.success() ? good : bad);
  }
  int good = 0;
  int bad = 0;
};

struct echo_line : stream_request_handler {
  void handle() override { wfile().write(rfile().read_line()); }
};

struct echo_packet : datagram_request_handler {
  void handle() override { wfile().write(rfile().read_line()); }
};

/// Calls a function for each request.
struct calling : base_request_handler {
  explicit calling(std::function<void(calling&)> what) : what_(std::move(what)) {}
  void handle() override { what_(*this); }
  using base_request_handler::client_address;
  using base_request_handler::request;
  using base_request_handler::server;
  using base_request_handler::stop;

 private:
  std::function<void(calling&)> what_;
};

inline handler_factory call(std::function<void(calling&)> what) {
  return [what] { return std::make_unique<calling>(what); };
}

/// Opens when it is told, for any number of threads.
class door {
 public:
  void open() {
    open_ = true;
    open_.notify_all();
  }
  void wait() const { open_.wait(false); }

 private:
  std::atomic<bool> open_ = false;
};

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace socketserver_fixture
