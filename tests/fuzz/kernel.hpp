#pragma once

#include <fuzz/fuzz.hpp>

#include <cetane/base/clock.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

struct epoll_event;
struct sockaddr;

namespace cetane::fuzz {

/// A kernel that does what an input says: what arrives and when, what a call returns, how long it
/// all takes.
///
/// While one exists, the system calls of the epoll backend come here instead (wrapped_calls.cpp).
/// It lies about nothing: it is edge-triggered, a short read of a socket has emptied it, a call
/// that finds no room is told when there is some. So whatever happens here can happen on Linux, and
/// a server that hangs here has a fault. When the input is used up the network is well: everybody
/// reads, everybody ends its output, and time passes as it is asked for.
///
/// Every mistake in the use of a descriptor ends the process: a call on one that is closed, a
/// second close, a close while it is watched, output behind the end of output, a call that could
/// raise SIGPIPE, and calls without end.
class kernel {
 public:
  /// One end of a connection, from the view of the server; what is left of it after the close, too.
  struct stream {
    std::size_t number = 0;
    std::uint16_t service = 0;  // the port that it was accepted on
    std::string fed;            // what its peer has sent
    std::size_t taken = 0;      // of that, what the server has read
    std::string told;           // what the server has sent
    std::size_t room = 0;       // for what the server sends next
    int failure = 0;            // errno that the next call meets
    bool ended = false;         // the peer has ended its output
    bool was_reset = false;     // by the peer
    bool reset_here = false;    // by the server
    bool shut = false;          // the server has ended its output
    bool wants_room = false;    // a send found none
    bool accepted = false;
    bool open = true;
  };

  explicit kernel(input script);
  kernel(const kernel&) = delete;
  kernel& operator=(const kernel&) = delete;
  ~kernel();

  /// The one that there is, or null.
  static kernel* current() noexcept;
  /// Whether the number is one of this kernel's: open, or closed already.
  static bool is_own(int fd) noexcept { return fd >= first_number; }

  /// A connection that no listener has accepted: for what reads from a descriptor of its own.
  int connect_alone();
  /// What to do when nothing is left to happen, and the server waits for ever.
  std::function<void()> on_idle;
  /// What to do when the input asks for a stop.
  std::function<void()> on_stop;

  const std::vector<std::unique_ptr<stream>>& streams() const noexcept { return streams_; }
  std::size_t open_descriptors() const noexcept;
  bool is_healed() const noexcept { return healed_; }
  /// How much time has passed since the network is well.
  duration since_healed() const noexcept { return now_ - healed_at_; }

  // The system calls. Each returns a negative errno value for a failure.
  std::int64_t clock() noexcept;
  int make_epoll();
  int make_event();
  int make_socket();
  int bind(int fd, const sockaddr* where);
  int listen(int fd);
  int accept(int fd, sockaddr* peer, std::uint32_t* length);
  int name(int fd, bool of_peer, sockaddr* out, std::uint32_t* length);
  ssize_t receive(int fd, char* buffer, std::size_t size);
  ssize_t send(int fd, std::string_view bytes, int flags);
  int shutdown(int fd);
  int take_failure(int fd);
  int set_linger(int fd);
  int duplicate(int fd);
  int close(int fd);
  int control(int epoll, int operation, int fd, const epoll_event* event);
  int wait(int epoll, epoll_event* out, int most, std::int64_t timeout);
  int wait_for_input(int fd);
  int check_open(int fd);

 private:
  enum class kind : std::uint8_t { none, epoll, event, socket, listener, stream };

  struct object {
    kind type = kind::none;
    bool watched = false;
    bool edge = false;
    bool is_copy = false;
    std::uint32_t events = 0;
    std::uint64_t data = 0;
    std::uint16_t port = 0;
    std::vector<stream*> waiting;  // listener: those to accept
    stream* connection = nullptr;
  };

  static constexpr int first_number = 256;
  static constexpr std::size_t most_streams = 24;
  static constexpr std::size_t most_calls = 50'000;

  int add(kind type);
  object& at(int fd, kind type);
  stream& stream_at(int fd);
  stream& new_stream(std::uint16_t port);
  void wake(const stream& of);
  void count_call();
  bool interrupts() noexcept;

  std::uint32_t mask(const object& of) const noexcept;
  int collect(epoll_event* out, int most);

  bool act();
  void act_on(stream& one, std::uint8_t what);
  void arrive_at_listener(std::size_t index);
  void give_bytes(stream& one);
  bool heal();
  stream* choose_open(std::size_t index) noexcept;

  static kernel* current_;

  input script_;
  std::vector<object> objects_;  // by number, from first_number on
  std::vector<std::unique_ptr<stream>> streams_;
  duration now_ = std::chrono::seconds(1000);
  duration healed_at_{};
  std::size_t calls_ = 0;
  std::size_t interruptions_ = 0;
  bool healed_ = false;
  bool idle_told_ = false;
};

}  // namespace cetane::fuzz
