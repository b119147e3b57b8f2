#include <backend/kernel_backend.hpp>

#include <os/socket.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

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

// A connection that a child holds does not end for its peer.
void kernel_backend::forget(const slot_table& slots, std::span<const int> kept) noexcept {
  wake_.reset();
  slots.for_each([&](const io_object& object) {
    const bool is_kept = std::find(kept.begin(), kept.end(), object.descriptor) != kept.end();
    if (!object.foreign && !is_kept) ::close(object.descriptor);
  });
}

int kernel_backend::listen(const address& at, const listen_request& request, int& descriptor,
                           address& bound) {
  os::listen_options options;
  options.backlog = request.backlog;
  options.reuse_port = request.reuse_port;
  unique_fd fd;
  if (const int failed = os::listen_on(at, options, fd); failed < 0) return failed;
  if (const int failed = os::local_address(fd.get(), bound); failed < 0) return failed;
  descriptor = fd.release();
  return 0;
}

int kernel_backend::accept(poll_io& listener, int& descriptor, address& peer) {
  unique_fd fd;
  const int result = os::accept_one(listener.descriptor, fd, &peer);
  if (result == -EAGAIN) listener.readable = false;
  if (result < 0) return result;
  if (!peer.is_unix()) os::set_nodelay(fd.get());
  descriptor = fd.release();
  return 0;
}

int kernel_backend::connect(const address& to, const address* from, int& descriptor) {
  unique_fd fd;
  const int result = os::begin_connect(to, from, fd);
  if (result < 0 && result != -EINPROGRESS) return result;
  if (!to.is_unix()) os::set_nodelay(fd.get());
  descriptor = fd.release();
  return result;
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
  if (reset) os::set_linger_reset(descriptor);
  ::close(descriptor);
}

}  // namespace cetane::detail
