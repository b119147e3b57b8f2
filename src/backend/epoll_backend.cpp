// The epoll backend.
//
// Every descriptor of ours is registered once, edge-triggered, for everything: EPOLLIN | EPOLLOUT |
// EPOLLRDHUP | EPOLLPRI. The object keeps what the edges said in two bits, `readable` and
// `writable`; a call that meets EAGAIN clears its bit, the next edge sets it. So waiting, and not
// reading for a while, cost no system call at all.
//
// After a short read of a TCP socket the socket is empty, and the read that would only say EAGAIN
// is saved. That holds as long as no urgent data was seen (the kernel stops a read at its mark) and
// the peer has not ended its output (the end is an event of its own, but comes with the last data
// in one edge); then, and for Unix sockets, which stop a read at passed descriptors, reading goes
// on until EAGAIN.
//
// A datagram socket is registered for input alone: for one that asks for more the kernel makes an
// event of each datagram that has left. Only one that has met EAGAIN asks for output, until there
// is room.
//
// A reader that takes whole blocks gets several at once (see block_allowance). A stream that may
// have more input than was taken stands in `unread_` and is read again in the next poll, after the
// events, so that a fast sender leaves the others their turn.
#include <backend/epoll_backend.hpp>

#include <backend/kernel_backend.hpp>
#include <backend/slot_table.hpp>
#include <os/file.hpp>
#include <os/fork_hook.hpp>
#include <os/passed_descriptors.hpp>
#include <os/syscalls.hpp>
#include <runtime/io_blocks.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <limits>
#include <span>
#include <utility>

#include <sys/epoll.h>

namespace cetane::detail {
namespace {

constexpr std::uint32_t all_edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
constexpr std::uint32_t datagram_edges = EPOLLIN | EPOLLET;
constexpr int events_per_wait = 256;

class epoll_backend final : public kernel_backend {
 public:
  epoll_backend();
  ~epoll_backend() override;

  void in_child(std::span<const int> kept) noexcept;

  std::string_view name() const noexcept override { return "epoll"; }
  bool poll(event_loop& loop, time_point until) override;
  bool has_work() const noexcept override { return !unread_.empty(); }

  int watch(stream_io& stream, bool is_tcp) override;
  int watch(poll_io& object) override { return add(object, all_edges); }
  int watch(datagram_io& socket) override { return add(socket, datagram_edges); }
  int watch_once(poll_io& object, bool for_writing) override;
  void unwatch(io_object& object) noexcept override;
  void set_reading(stream_io& stream, bool on) noexcept override;
  ssize_t write(stream_io& stream, const iovec* parts, int count) noexcept override;
  ssize_t write_soon(stream_io& stream, std::string_view bytes) noexcept override;
  ssize_t write_with(stream_io& stream, std::string_view bytes,
                     std::span<const int> descriptors) noexcept override;
  ssize_t send_file(stream_io& stream, int file, off_t offset, std::size_t count) noexcept override;
  std::string leftovers() const override;

 private:
  static ssize_t written(stream_io& stream, ssize_t result) noexcept;
  void await_room(datagram_io& socket) noexcept override { change(socket, EPOLLOUT); }
  void change(datagram_io& socket, std::uint32_t besides) noexcept;
  int add(io_object& object, std::uint32_t events);
  int wait(time_point until) noexcept;
  void deliver(event_loop& loop, const epoll_event& event) noexcept;
  void deliver_to_stream(event_loop& loop, stream_io& stream, std::uint64_t tag,
                         std::uint32_t events) noexcept;
  bool note_events(stream_io& stream, std::uint64_t tag, std::uint32_t events) noexcept;
  void deliver_to_datagram(datagram_io& socket, std::uint32_t events) noexcept;
  [[gnu::always_inline]] inline void read(io_blocks& blocks, stream_io& stream) noexcept;
  static bool may_have_more(const stream_io& stream, long count) noexcept;
  [[gnu::noinline]] void read_on(io_blocks& blocks, stream_io& stream, long count) noexcept;
  [[gnu::noinline]] void read_passing(io_blocks& blocks, stream_io& stream) noexcept;
  [[gnu::cold]] void read_nothing(stream_io& stream, long result) noexcept;
  [[gnu::noinline]] void note_unread(stream_io& stream) noexcept;
  void read_leftovers(event_loop& loop, std::size_t due) noexcept;

  slot_table slots_;
  // Tags; has room for two more of every object, so that noting one never allocates: while
  // read_leftovers() goes through them, one that is noted anew stands here twice.
  std::vector<std::uint64_t> unread_;
  block_allowance allowance_;
  std::size_t objects_ = 0;
  bool fine_grained_ = true;  // as far as is known
  unique_fd epoll_;
  std::array<epoll_event, events_per_wait> events_;
  os::fork_hook fork_hook_{*this};
};

epoll_backend::epoll_backend() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw error("make an event loop (epoll_create1)", system_code(errno));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = slot_table::no_object;  // a wake-up is all it is
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_descriptor(), &event) < 0) {
    throw error("make an event loop (epoll_ctl)", system_code(errno));
  }
}

epoll_backend::~epoll_backend() {
  const os::forks_held_back until_closed;
  epoll_.reset();
  end_wake();
}

std::string epoll_backend::leftovers() const {
  if (objects_ == 0) return kernel_backend::leftovers();
  return fmt::format("{} objects are watched; {}", objects_, kernel_backend::leftovers());
}

bool epoll_backend::poll(event_loop& loop, time_point until) {
  const std::size_t due = unread_.size();
  const int count = wait(due == 0 ? until : time_point::min());
  allowance_.renew();
  for (int i = 0; i < count; ++i) deliver(loop, events_[static_cast<std::size_t>(i)]);
  if (due != 0) read_leftovers(loop, due);
  return count != 0 || due != 0;
}

// epoll_pwait2 (Linux 5.11) waits to the nanosecond. Without it the time is rounded up to
// milliseconds: never early. Sandboxes that do not know the call refuse it with EPERM.
int epoll_backend::wait(time_point until) noexcept {
  if (until <= time_point())
    return std::max(0, ::epoll_wait(epoll_.get(), events_.data(), events_per_wait, 0));
  if (until == never)
    return std::max(0, ::epoll_wait(epoll_.get(), events_.data(), events_per_wait, -1));
  const duration left = std::max(duration::zero(), until - monotonic_now());
  if (fine_grained_) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec span{static_cast<time_t>(whole.count()),
                        static_cast<long>((left - whole).count())};
    const int count = ::epoll_pwait2(epoll_.get(), events_.data(), events_per_wait, &span, nullptr);
    fine_grained_ = count >= 0 || (errno != ENOSYS && errno != EPERM);
    if (fine_grained_) return std::max(0, count);
  }
  const auto ms = std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(),
                                         std::numeric_limits<int>::max());
  return std::max(
      0, ::epoll_wait(epoll_.get(), events_.data(), events_per_wait, static_cast<int>(ms)));
}

void epoll_backend::deliver(event_loop& loop, const epoll_event& event) noexcept {
  const std::uint64_t tag = event.data.u64;
  io_object* const object = slots_.find(tag);
  if (object == nullptr) [[unlikely]] {
    if (tag != slot_table::no_object) ++loop.counters().stale_events;
    return;
  }
  if (object->type == io_object::kind::stream) {
    return deliver_to_stream(loop, static_cast<stream_io&>(*object), tag, event.events);
  }
  if (object->type == io_object::kind::datagram) {
    return deliver_to_datagram(static_cast<datagram_io&>(*object), event.events);
  }
  if (object->type == io_object::kind::passing) {
    auto& stream = static_cast<stream_io&>(*object);
    if (note_events(stream, tag, event.events)) read_passing(loop.blocks(), stream);
    return;
  }
  if (object->one_shot) unwatch(*object);
  object->readable = true;
  static_cast<poll_io&>(*object).on_ready();
}

void epoll_backend::deliver_to_stream(event_loop& loop, stream_io& stream, std::uint64_t tag,
                                      std::uint32_t events) noexcept {
  if (events == (EPOLLIN | EPOLLOUT) && stream.writable) [[likely]] {  // a message came
    if (!stream.reading || stream.unread_noted) {
      stream.readable = true;
      return;
    }
    read(loop.blocks(), stream);
    return;
  }
  if (note_events(stream, tag, events)) read(loop.blocks(), stream);
}

// Tells the stream, and says whether it is there and to be read from now: one that is noted has its
// turn with the leftovers.
bool epoll_backend::note_events(stream_io& stream, std::uint64_t tag,
                                std::uint32_t events) noexcept {
  if ((events & EPOLLPRI) != 0) stream.short_read_empties = false;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) stream.readable = true;
  if ((events & EPOLLOUT) != 0 && !stream.writable) {
    stream.writable = true;
    stream.on_writable();
    if (slots_.find(tag) != &stream) return false;
  }
  const bool failed = (events & EPOLLERR) != 0 && stream.failure == 0;  // perhaps after the end
  if (failed || ((events & (EPOLLRDHUP | EPOLLHUP)) != 0 && !stream.hung_up)) {
    stream.hung_up = true;
    stream.short_read_empties = false;
    stream.on_hang_up(failed ? ask_failure(stream) : 0);
    if (slots_.find(tag) != &stream) return false;
  }
  return stream.readable && stream.reading && !stream.unread_noted;
}

// Behind an error there may be input for which there is no other event: see receive().
void epoll_backend::deliver_to_datagram(datagram_io& socket, std::uint32_t events) noexcept {
  socket.readable = true;
  if ((events & EPOLLERR) != 0) socket.failed = true;
  if ((events & EPOLLOUT) != 0 && !socket.writable) {
    socket.writable = true;
    change(socket, 0);
  }
  socket.on_ready();
}

void epoll_backend::change(datagram_io& socket, std::uint32_t besides) noexcept {
  epoll_event event{};
  event.events = datagram_edges | besides;
  event.data.u64 = slots_.tag(socket.slot);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.descriptor, &event);
}

// The object may be gone when the call up returns, so everything is noted before it.
void epoll_backend::read(io_blocks& blocks, stream_io& stream) noexcept {
  const long count = os::recv(stream.descriptor, blocks.input, io_blocks::input_bytes);
  if (count <= 0) [[unlikely]]
    return read_nothing(stream, count);
  if (may_have_more(stream, count)) [[unlikely]]
    return read_on(blocks, stream, count);
  stream.readable = false;
  stream.on_data(blocks.input, static_cast<std::size_t>(count));
}

// After `count` bytes were read.
bool epoll_backend::may_have_more(const stream_io& stream, long count) noexcept {
  return count == static_cast<long>(io_blocks::input_bytes) || !stream.short_read_empties;
}

// `count` bytes came, and there may be more.
void epoll_backend::read_on(io_blocks& blocks, stream_io& stream, long count) noexcept {
  const std::uint64_t tag = slots_.tag(stream.slot);
  for (int taken = 1;; ++taken) {
    stream.readable = may_have_more(stream, count);
    stream.on_data(blocks.input, static_cast<std::size_t>(count));
    if (slots_.find(tag) != &stream) return;
    if (!stream.readable || !allowance_.grants_another(stream, taken)) break;
    count = os::recv(stream.descriptor, blocks.input, io_blocks::input_bytes);
    if (count <= 0) return read_nothing(stream, count);
  }
  if (stream.readable && stream.reading) note_unread(stream);
}

// A short read says nothing here: a read ends behind each message that had descriptors.
void epoll_backend::read_passing(io_blocks& blocks, stream_io& stream) noexcept {
  const long count = receive_with_descriptors(stream, blocks.input, io_blocks::input_bytes);
  if (count <= 0) return read_nothing(stream, count);
  stream.readable = true;
  note_unread(stream);
  const std::uint64_t tag = slots_.tag(stream.slot);
  stream.on_data(blocks.input, static_cast<std::size_t>(count));
  if (slots_.find(tag) == &stream) stream.on_delivered();
}

// The input has ended (0), or a negative errno value says why nothing came.
void epoll_backend::read_nothing(stream_io& stream, long result) noexcept {
  stream.readable = result == -EINTR;
  if (stream.readable) return note_unread(stream);
  if (result == -EAGAIN) return;
  stream.reading = false;
  stream.on_end(result == 0 ? how_ended(stream) : static_cast<int>(-result));
}

void epoll_backend::note_unread(stream_io& stream) noexcept {
  if (stream.unread_noted) return;
  stream.unread_noted = true;
  unread_.push_back(slots_.tag(stream.slot));
}

// The first `due`: those that were noted in this poll wait for the next one.
void epoll_backend::read_leftovers(event_loop& loop, std::size_t due) noexcept {
  for (std::size_t i = 0; i < due; ++i) {
    auto* const stream = static_cast<stream_io*>(slots_.find(unread_[i]));
    if (stream == nullptr) continue;
    stream->unread_noted = false;
    if (!stream->reading || !stream->readable) continue;
    if (stream->type == io_object::kind::passing) {
      read_passing(loop.blocks(), *stream);
    } else {
      read(loop.blocks(), *stream);
    }
  }
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(due));
}

// What a child does to an inherited epoll set happens to its parent's.
void epoll_backend::in_child(std::span<const int> kept) noexcept {
  epoll_.reset();
  forget(kept);
}

int epoll_backend::add(io_object& object, std::uint32_t events) {
  if (const std::size_t wanted = unread_.size() + 2 * (objects_ + 1); unread_.capacity() < wanted) {
    unread_.reserve(2 * wanted);
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = slots_.add(object);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, object.descriptor, &event) < 0) {
    const int failed = -errno;
    slots_.remove(object);
    return failed;
  }
  ++objects_;
  return 0;
}

int epoll_backend::watch(stream_io& stream, bool is_tcp) {
  stream.is_tcp = is_tcp;
  stream.short_read_empties = is_tcp && !stream.hung_up;
  stream.readable = false;  // the registration itself makes an edge if something is there already
  stream.writable = true;
  stream.unread_noted = false;  // a note from an earlier watch is out of date
  return add(stream, all_edges);
}

// A peer that has ended its output makes no room for ours: EPOLLRDHUP is for readers alone, who
// meet the end.
int epoll_backend::watch_once(poll_io& object, bool for_writing) {
  object.one_shot = true;
  return add(object, (for_writing ? EPOLLOUT : EPOLLIN | EPOLLRDHUP) | EPOLLONESHOT);
}

// Always before close(): a forked child may hold the descriptor, and then the kernel would go on
// reporting it.
void epoll_backend::unwatch(io_object& object) noexcept {
  if (object.slot == io_object::no_slot) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, object.descriptor, nullptr);
  slots_.remove(object);
  --objects_;
}

void epoll_backend::set_reading(stream_io& stream, bool on) noexcept {
  if (on == stream.reading) return;
  stream.reading = on;
  if (on && stream.readable) note_unread(stream);
}

ssize_t epoll_backend::written(stream_io& stream, ssize_t result) noexcept {
  if (result >= 0) [[likely]]
    return result;
  if (result == -EAGAIN) stream.writable = false;
  return why_unwritten(stream, result);
}

ssize_t epoll_backend::write(stream_io& stream, const iovec* parts, int count) noexcept {
  if (!stream.writable) return -EAGAIN;
  return written(stream, send_parts(stream.descriptor, parts, count));
}

ssize_t epoll_backend::write_soon(stream_io& stream, std::string_view bytes) noexcept {
  const long sent = os::send(stream.descriptor, bytes.data(), bytes.size());
  if (sent >= 0) [[likely]]
    return sent;
  return sent == -EINTR ? 0 : written(stream, sent);  // 0: the stream goes on with write()
}

ssize_t epoll_backend::write_with(stream_io& stream, std::string_view bytes,
                                  std::span<const int> descriptors) noexcept {
  if (!stream.writable) return -EAGAIN;
  return written(stream, os::send_with_descriptors(stream.descriptor, bytes, descriptors));
}

ssize_t epoll_backend::send_file(stream_io& stream, int file, off_t offset,
                                 std::size_t count) noexcept {
  if (!stream.writable) return -EAGAIN;
  auto position = static_cast<std::uint64_t>(offset);
  return written(stream, os::send_file(stream.descriptor, file, position, count));
}

}  // namespace

std::unique_ptr<backend> make_epoll_backend() {
  const os::forks_held_back until_it_has_an_owner;
  return std::make_unique<epoll_backend>();
}

}  // namespace cetane::detail
