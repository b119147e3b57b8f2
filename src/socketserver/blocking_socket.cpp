#include <cetane/socketserver/blocking_socket.hpp>

#include "os/fork_hook.hpp"
#include "os/socket.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace cetane::socketserver {
namespace {

timespec to_timespec(duration span) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(span);
  return {static_cast<time_t>(whole.count()), static_cast<long>((span - whole).count())};
}

// The memory for a call is made, and cleared, before anybody knows how little will come: a peer
// that sends one byte at a time must not make much work of it.
constexpr std::size_t most_at_once = 64_KiB;

constexpr duration full_backlog_pause = std::chrono::milliseconds(10);

// How the attempt that is under way ends.
void wait_for_connection(int fd, const address& where, duration timeout, time_point until) {
  using clock = std::chrono::steady_clock;
  pollfd one{fd, POLLOUT, 0};
  for (;;) {
    const timespec left = to_timespec(std::max(duration::zero(), until - clock::now()));
    const int count = ::ppoll(&one, 1, &left, nullptr);
    if (count == 0) throw connect_timeout(fmt::format("connect to {}", where), timeout);
    if (count > 0) break;
    if (errno != EINTR)
      throw connect_error(fmt::format("connect to {}", where), system_code(errno));
  }
}

}  // namespace

// The mutex makes abort() on another thread find either the socket or none, never a descriptor that
// has become something else's meanwhile.
class blocking_socket::state {
 public:
  explicit state(unique_fd fd) noexcept : fd_(std::move(fd)) {}
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { close(); }  // before the hook goes

  void in_child(std::span<const int> kept) noexcept {
    if (std::find(kept.begin(), kept.end(), fd_.get()) == kept.end()) fd_.reset();
  }

  int fd() const noexcept { return fd_.get(); }
  void close() noexcept {
    const os::forks_held_back until_closed;
    const std::lock_guard lock(mutex_);
    fd_.reset();
  }
  void abort() noexcept {
    const std::lock_guard lock(mutex_);
    if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
  }

 private:
  std::mutex mutex_;
  unique_fd fd_;
  os::fork_hook hook_{*this};
};

blocking_socket::blocking_socket(unique_fd descriptor)
    : state_(std::make_unique<state>(std::move(descriptor))) {}

blocking_socket::~blocking_socket() = default;

std::string blocking_socket::recv(std::size_t most) {
  std::string bytes(std::min(most, most_at_once), '\0');
  bytes.resize(repeat("read from", POLLIN, [&](int flags) {
    return ::recv(fileno(), bytes.data(), bytes.size(), flags);
  }));
  return bytes;
}

std::string blocking_socket::recvfrom(std::size_t most, address& from) {
  std::string bytes(std::min(most, default_receive_limit), '\0');
  sockaddr_storage raw{};
  socklen_t length = 0;
  auto* const sender = reinterpret_cast<sockaddr*>(&raw);
  bytes.resize(repeat("read a datagram from", POLLIN, [&](int flags) {
    length = sizeof raw;
    return ::recvfrom(fileno(), bytes.data(), bytes.size(), flags, sender, &length);
  }));
  from = address::from_sockaddr(sender, length);
  return bytes;
}

std::size_t blocking_socket::send(std::string_view bytes) {
  return repeat("send to", POLLOUT, [&](int flags) {
    return ::send(fileno(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
  });
}

void blocking_socket::sendall(std::string_view bytes) {
  do {
    bytes.remove_prefix(send(bytes));
  } while (!bytes.empty());
}

void blocking_socket::sendto(std::string_view packet, const address& to) {
  if (to.family() == address_family::none) fail("send a datagram to no address from", EDESTADDRREQ);
  sockaddr_storage raw;
  const auto length = to.to_sockaddr(raw);
  const auto* const receiver = reinterpret_cast<const sockaddr*>(&raw);
  repeat("send a datagram from", POLLOUT, [&](int flags) {
    return ::sendto(fileno(), packet.data(), packet.size(), flags | MSG_NOSIGNAL, receiver, length);
  });
}

void blocking_socket::settimeout(std::optional<any_duration> timeout) {
  if (timeout && *timeout < duration::zero()) {
    throw std::invalid_argument("settimeout: the timeout is negative; nothing waits for ever");
  }
  timeout_ = timeout;
}

void blocking_socket::set_nodelay() noexcept { os::set_nodelay(fileno()); }

void blocking_socket::shutdown_write() noexcept { os::shutdown_write(fileno()); }

void blocking_socket::abort() noexcept { state_->abort(); }

void blocking_socket::close() noexcept { state_->close(); }

int blocking_socket::fileno() const noexcept { return state_->fd(); }

address blocking_socket::getsockname() const {
  address own;
  if (const int failed = os::local_address(fileno(), own); failed < 0) {
    throw error("ask for a socket's address", system_code(failed));
  }
  return own;
}

address blocking_socket::getpeername() const {
  address peer;
  if (const int failed = os::peer_address(fileno(), peer); failed < 0) {
    throw error("ask for a peer's address", system_code(failed));
  }
  return peer;
}

// Calls until it is done. The descriptor may be one whose calls do not wait, so EAGAIN is met with
// and without a timeout.
template <class Call>
std::size_t blocking_socket::repeat(const char* tried, short events, Call call) {
  for (;;) {
    const ssize_t count = call(timeout_ ? MSG_DONTWAIT : 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) fail(tried, errno);
    wait(tried, events);
  }
}

void blocking_socket::wait(const char* tried, short events) const {
  using clock = std::chrono::steady_clock;
  const time_point until = timeout_ ? deadline_after(clock::now(), *timeout_) : never;
  pollfd one{fileno(), events, 0};
  for (;;) {
    const timespec left = to_timespec(std::max(duration::zero(), until - clock::now()));
    const int count = ::ppoll(&one, 1, until == never ? nullptr : &left, nullptr);
    if (count > 0) return;
    if (count < 0 && errno != EINTR) fail(tried, errno);
    if (count == 0) {
      address peer;
      os::peer_address(fileno(), peer);
      throw timed_out(fmt::format("{} {}", tried, peer), *timeout_);
    }
  }
}

void blocking_socket::fail(const char* tried, int why) const {
  address peer;  // "(no address)" when it has gone
  os::peer_address(fileno(), peer);
  throw connection_error(fmt::format("{} {}", tried, peer), system_code(why));
}

// The attempt has an owner from its beginning: forks on other threads do not wait for its end.
int blocking_socket::begin_connect(const address& where) {
  const os::forks_held_back until_it_has_an_owner;
  unique_fd fd;
  const int result = os::begin_connect(where, nullptr, fd);
  state_ = std::make_unique<state>(std::move(fd));
  return result;
}

blocking_socket::blocking_socket(const address& where, duration limit) {
  const time_point until = deadline_after(std::chrono::steady_clock::now(), limit);
  int result = begin_connect(where);
  // Too many wait to be accepted; for TCP the system waits by itself.
  while (result == -EAGAIN && where.is_unix()) {
    if (std::chrono::steady_clock::now() >= until)
      throw connect_timeout(fmt::format("connect to {}", where), limit);
    std::this_thread::sleep_for(full_backlog_pause);
    result = begin_connect(where);
  }
  if (result == -EINPROGRESS) {
    wait_for_connection(fileno(), where, limit, until);
    result = os::connect_result(fileno());
  }
  if (result < 0) throw connect_error(fmt::format("connect to {}", where), system_code(result));
}

blocking_socket create_connection(const endpoint& to, any_duration timeout) {
  return blocking_socket(to.resolve(address_family::ipv4), timeout);
}

}  // namespace cetane::socketserver
