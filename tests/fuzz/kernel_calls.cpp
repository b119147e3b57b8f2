// The system calls of the scripted kernel.
#include <fuzz/kernel.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace cetane::fuzz {
namespace {

constexpr std::uint16_t first_peer_port = 20'000;
constexpr std::size_t most_interruptions = 200;

void fill_in(std::uint16_t port, sockaddr* out, std::uint32_t* length) {
  if (out == nullptr) return;
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(out, &where, std::min<std::size_t>(*length, sizeof where));
  *length = sizeof where;
}

}  // namespace

constinit kernel* kernel::current_ = nullptr;

kernel::kernel(input script) : script_(script) { current_ = this; }
kernel::~kernel() { current_ = nullptr; }
kernel* kernel::current() noexcept { return current_; }

std::size_t kernel::open_descriptors() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(objects_.begin(), objects_.end(),
                    [](const object& each) { return each.type != kind::none; }));
}

void kernel::count_call() { require(++calls_ < most_calls, "a server makes no calls without end"); }

// A signal has come: rarely, and not for ever.
bool kernel::interrupts() noexcept {
  if (script_.empty() || interruptions_ == most_interruptions) return false;
  if (script_.byte() != 0x11) return false;
  ++interruptions_;
  return true;
}

std::int64_t kernel::clock() noexcept {
  now_ += std::chrono::nanoseconds(100);
  return now_.count();
}

// The lowest number that is free, as POSIX has it: so a late event finds another connection there.
int kernel::add(kind type) {
  count_call();
  std::size_t index = 0;
  while (index < objects_.size() && objects_[index].type != kind::none) ++index;
  if (index == objects_.size()) objects_.emplace_back();
  objects_[index].type = type;
  return first_number + static_cast<int>(index);
}

kernel::object& kernel::at(int fd, kind type) {
  count_call();
  const auto index = static_cast<std::size_t>(fd - first_number);
  require(fd >= first_number && index < objects_.size() && objects_[index].type != kind::none,
          "no call is made on a closed descriptor");
  require(type == kind::none || objects_[index].type == type,
          "a call is made on the right kind of descriptor");
  return objects_[index];
}

kernel::stream& kernel::stream_at(int fd) { return *at(fd, kind::stream).connection; }

kernel::stream& kernel::new_stream(std::uint16_t port) {
  stream& fresh = *streams_.emplace_back(std::make_unique<stream>());
  fresh.number = streams_.size() - 1;
  fresh.service = port;
  return fresh;
}

int kernel::connect_alone() {
  const int fd = add(kind::stream);
  at(fd, kind::stream).connection = &new_stream(0);
  return fd;
}

int kernel::make_epoll() { return add(kind::epoll); }
int kernel::make_event() { return add(kind::event); }
int kernel::make_socket() { return add(kind::socket); }

int kernel::bind(int fd, const sockaddr* where) {
  sockaddr_in in{};
  std::memcpy(&in, where, sizeof in);
  at(fd, kind::socket).port = ntohs(in.sin_port);
  return 0;
}

int kernel::listen(int fd) {
  at(fd, kind::socket).type = kind::listener;
  return 0;
}

int kernel::accept(int fd, sockaddr* peer, std::uint32_t* length) {
  constexpr int failures[] = {EMFILE, ENFILE,       ENOBUFS,      ENOMEM,
                              EINTR,  ECONNABORTED, EHOSTUNREACH, EPROTO};
  object& listener = at(fd, kind::listener);
  if (listener.waiting.empty()) return -EAGAIN;
  if (const std::uint8_t what = script_.byte(); what >= 0xF0 && interruptions_++ < 50)
    return -failures[what % 8];
  stream& taken = *listener.waiting.front();
  listener.waiting.erase(listener.waiting.begin());
  const int accepted = add(kind::stream);  // `listener` may have moved
  at(accepted, kind::stream).connection = &taken;
  taken.accepted = true;
  if (peer != nullptr) {
    fill_in(static_cast<std::uint16_t>(first_peer_port + taken.number), peer, length);
  }
  return accepted;
}

int kernel::name(int fd, bool of_peer, sockaddr* out, std::uint32_t* length) {
  object& one = at(fd, kind::none);
  if (!of_peer) {
    fill_in(one.connection == nullptr ? one.port : one.connection->service, out, length);
    return 0;
  }
  if (one.connection == nullptr || one.connection->was_reset) return -ENOTCONN;
  fill_in(static_cast<std::uint16_t>(first_peer_port + one.connection->number), out, length);
  return 0;
}

// Bytes may arrive while the call is on its way: then there is an edge too many.
ssize_t kernel::receive(int fd, char* buffer, std::size_t size) {
  stream& from = stream_at(fd);
  if (interrupts()) return -EINTR;
  if (!script_.empty() && script_.byte() == 0x22) give_bytes(from);
  const std::size_t count = std::min(size, from.fed.size() - from.taken);
  std::memcpy(buffer, from.fed.data() + from.taken, count);
  from.taken += count;
  if (count != 0 || size == 0) return static_cast<ssize_t>(count);
  if (from.failure != 0) return -std::exchange(from.failure, 0);
  return from.ended || from.was_reset ? 0 : -EAGAIN;
}

ssize_t kernel::send(int fd, std::string_view bytes, int flags) {
  stream& to = stream_at(fd);
  require((flags & MSG_NOSIGNAL) != 0, "no output raises SIGPIPE");
  require(!to.shut, "nothing is sent behind the end of output");
  if (interrupts()) return -EINTR;
  if (to.failure != 0) return -std::exchange(to.failure, 0);
  if (to.was_reset) return -EPIPE;
  std::size_t count = std::min(bytes.size(), to.room);
  if (count == 0 && !bytes.empty()) {
    to.wants_room = true;
    return -EAGAIN;
  }
  if (count > 1 && !script_.empty() && script_.byte() >= 0xC0)
    count = script_.number(count - 1) + 1;
  to.room -= count;
  to.told += bytes.substr(0, count);
  return static_cast<ssize_t>(count);
}

int kernel::shutdown(int fd) {
  stream& of = stream_at(fd);
  require(!of.shut, "output is ended once");
  if (of.was_reset) return -ENOTCONN;
  of.shut = true;
  return 0;
}

int kernel::take_failure(int fd) { return std::exchange(stream_at(fd).failure, 0); }

int kernel::set_linger(int fd) {
  stream_at(fd).reset_here = true;
  return 0;
}

int kernel::duplicate(int fd) {
  stream& same = stream_at(fd);
  const int copy = add(kind::stream);
  at(copy, kind::stream).connection = &same;
  at(copy, kind::stream).is_copy = true;
  return copy;
}

int kernel::check_open(int fd) {
  at(fd, kind::none);
  return 0;
}

int kernel::close(int fd) {
  object& gone = at(fd, kind::none);
  require(!gone.watched, "a descriptor is not watched any more when it is closed");
  if (gone.connection != nullptr && !gone.is_copy) gone.connection->open = false;
  for (stream* const refused : gone.waiting) refused->was_reset = true;
  if (gone.type == kind::epoll) {
    for (object& each : objects_) each.watched = each.edge = false;
  }
  gone = {};
  return interrupts() ? -EINTR : 0;  // it is closed all the same, close(2)
}

int kernel::control(int epoll, int operation, int fd, const epoll_event* event) {
  at(epoll, kind::epoll);
  object& one = at(fd, kind::none);
  if (operation == EPOLL_CTL_DEL) {
    require(one.watched, "what is not watched is not forgotten");
    one.watched = one.edge = false;
    return 0;
  }
  require(operation == EPOLL_CTL_ADD, "a descriptor is registered once");
  if (one.watched) return -EEXIST;
  const bool may_be_refused = one.connection != nullptr && one.connection->accepted;
  if (may_be_refused && !script_.empty() && script_.byte() == 0x33) return -ENOSPC;
  one.watched = true;
  one.events = event->events;
  one.data = event->data.u64;
  one.edge = mask(one) != 0;
  return 0;
}

}  // namespace cetane::fuzz
