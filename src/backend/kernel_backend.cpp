#include <backend/kernel_backend.hpp>

#include <os/fork_hook.hpp>
#include <os/passed_descriptors.hpp>
#include <os/socket.hpp>

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cetane::detail {

kernel_backend::kernel_backend() {
  if (const int failed = os::make_eventfd(wake_); failed < 0) {
    throw error("make an event loop (eventfd)", system_code(failed));
  }
}

// A full counter means that the loop is awake.
void kernel_backend::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
}

// A connection that a child holds does not end for its peer. Also what nobody watches is closed: it
// is on its way to who will, or to its end.
void kernel_backend::forget(std::span<const int> kept) noexcept {
  wake_.reset();
  for (std::size_t number = 0; number < owned_.size(); ++number) {
    const auto descriptor = static_cast<int>(number);
    const bool is_kept = std::find(kept.begin(), kept.end(), descriptor) != kept.end();
    if (owned_[number] && !is_kept) ::close(descriptor);
  }
}

// False without memory for the note.
bool kernel_backend::own(int descriptor) noexcept {
  const auto number = static_cast<std::size_t>(descriptor);
  try {
    if (owned_.size() <= number) owned_.resize(std::max(number + 1, 2 * owned_.size()));
  } catch (const std::bad_alloc&) {
    return false;
  }
  owned_[number] = true;
  return true;
}

int kernel_backend::give_out(unique_fd& fresh, int& descriptor) noexcept {
  if (!own(fresh.get())) return -ENOMEM;
  descriptor = fresh.release();
  return 0;
}

int kernel_backend::listen(const address& at, const listen_request& request, int& descriptor,
                           address& bound) {
  os::listen_options options;
  options.backlog = request.backlog;
  options.reuse_port = request.reuse_port;
  const os::forks_held_back until_it_is_owned;
  unique_fd fd;
  if (const int failed = os::listen_on(at, options, fd); failed < 0) return failed;
  if (const int failed = os::local_address(fd.get(), bound); failed < 0) return failed;
  return give_out(fd, descriptor);
}

int kernel_backend::accept(poll_io& listener, int& descriptor, address& peer) {
  const os::forks_held_back until_it_is_owned;
  unique_fd fd;
  const int result = os::accept_one(listener.descriptor, fd, &peer);
  if (result == -EAGAIN) listener.readable = false;
  if (result < 0) return result;
  if (!peer.is_unix()) os::set_nodelay(fd.get());
  return give_out(fd, descriptor);
}

int kernel_backend::connect(const address& to, const address* from, int& descriptor) {
  const os::forks_held_back until_it_is_owned;
  unique_fd fd;
  const int result = os::begin_connect(to, from, fd);
  if (result < 0 && result != -EINPROGRESS) return result;
  if (!to.is_unix()) os::set_nodelay(fd.get());
  const int failed = give_out(fd, descriptor);
  return failed < 0 ? failed : result;
}

int kernel_backend::duplicate(int descriptor) {
  const os::forks_held_back until_it_is_owned;
  unique_fd fd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!fd) return -errno;
  int number = -1;
  const int failed = give_out(fd, number);
  return failed < 0 ? failed : number;
}

void kernel_backend::give_away(int descriptor) noexcept {
  const os::forks_held_back while_it_changes;
  owned_[static_cast<std::size_t>(descriptor)] = false;
}

int kernel_backend::take_over(int descriptor) noexcept {
  const os::forks_held_back while_it_changes;
  return own(descriptor) ? 0 : -ENOMEM;
}

int kernel_backend::ask_failure(stream_io& stream) noexcept {
  stream.failure = static_cast<std::int16_t>(-os::connect_result(stream.descriptor));
  return stream.failure != 0 ? stream.failure : ECONNRESET;
}

int kernel_backend::how_ended(stream_io& stream) noexcept {
  const int error = std::exchange(stream.failure, std::int16_t{0});
  return error == EPIPE ? 0 : error;
}

ssize_t kernel_backend::why_unwritten(stream_io& stream, ssize_t error) noexcept {
  if (error != -EPIPE || stream.failure == 0) return error;
  return -std::exchange(stream.failure, std::int16_t{0});
}

int kernel_backend::connect_result(int descriptor) { return os::connect_result(descriptor); }

int kernel_backend::local_address(int descriptor, address& out) {
  return os::local_address(descriptor, out);
}

int kernel_backend::peer_address(int descriptor, address& out) {
  return os::peer_address(descriptor, out);
}

int kernel_backend::ask_peer_credentials(int descriptor, peer_credentials& out) {
  return os::ask_peer_credentials(descriptor, out);
}

// Without memory for a note of them they count as cut off: so nobody misses them unaware.
long kernel_backend::receive_with_descriptors(stream_io& stream, char* to,
                                              std::size_t size) noexcept {
  os::passed_descriptors passed;
  long count = 0;
  {
    const os::forks_held_back until_they_are_owned;
    count =
        os::receive_with_descriptors(stream.descriptor, to, size, stream.descriptor_room(), passed);
    if (count < 0) return count;
    std::size_t owned = 0;
    while (owned < passed.count && own(passed.numbers[owned])) ++owned;
    for (std::size_t i = owned; i < passed.count; ++i) ::close(passed.numbers[i]);
    passed.cut = passed.cut || owned < passed.count;
    passed.count = owned;
  }
  if (passed.count == 0 && !passed.cut) return count;
  return stream.on_descriptors(passed.view(), passed.cut) ? count : -EAGAIN;
}

int kernel_backend::set_keepalive(int descriptor) {
  using namespace std::chrono_literals;
  return os::set_keepalive(descriptor, 60s, 10s, 6);
}

int kernel_backend::shutdown_write(stream_io& stream) {
  return os::shutdown_write(stream.descriptor);
}

std::size_t kernel_backend::unsent_bytes(const stream_io& stream) {
  return static_cast<std::size_t>(std::max(0, os::unsent_bytes(stream.descriptor)));
}

void kernel_backend::close(int descriptor, bool reset) noexcept {
  const auto number = static_cast<std::size_t>(descriptor);
  if (reset) os::set_linger_reset(descriptor);
  const os::forks_held_back until_closed;
  if (number < owned_.size() && owned_[number]) {
    owned_[number] = false;
  } else {
    ++strangers_;
  }
  ::close(descriptor);
}

std::string kernel_backend::leftovers() const {
  const auto open = std::count(owned_.begin(), owned_.end(), true);
  if (open == 0 && strangers_ == 0) return {};
  return fmt::format("{} descriptors are open, {} were closed that were not its own", open,
                     strangers_);
}

}  // namespace cetane::detail
