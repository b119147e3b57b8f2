// What happens in the world of the scripted kernel: it is done while the server waits, or looks
// whether there is news.
#include <fuzz/kernel.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/epoll.h>

namespace cetane::fuzz {
namespace {

constexpr std::size_t plenty = std::size_t{1} << 40U;

constexpr std::size_t rooms[] = {plenty, plenty, 0, 1, 7, 100, 4096, 70'000};

}  // namespace

void kernel::wake(const stream& of) {
  for (object& each : objects_) {
    if (each.connection == &of && each.watched) each.edge = true;
  }
}

std::uint32_t kernel::mask(const object& of) const noexcept {
  if (of.type == kind::listener) return of.waiting.empty() ? 0 : std::uint32_t{EPOLLIN};
  if (of.type != kind::stream) return 0;
  const stream& one = *of.connection;
  const bool over = one.ended || one.was_reset;
  std::uint32_t found = 0;
  if (one.taken < one.fed.size() || over) found |= EPOLLIN;
  if (one.room != 0 || one.was_reset || one.shut) found |= EPOLLOUT;
  if (over) found |= EPOLLRDHUP;
  if ((one.ended && one.shut) || one.was_reset) found |= EPOLLHUP;
  if (one.failure != 0) found |= EPOLLERR;
  return found & (of.events | EPOLLERR | EPOLLHUP);
}

// The events, from a place of the input's choice on; those that do not fit come next time.
int kernel::collect(epoll_event* out, int most) {
  int count = 0;
  const std::size_t all = objects_.size();
  const std::size_t from = script_.empty() || all == 0 ? 0 : script_.number(all - 1);
  for (std::size_t i = 0; i < all && count < most; ++i) {
    object& each = objects_[(from + i) % all];
    if (!each.watched || !each.edge) continue;
    each.edge = false;
    const std::uint32_t found = mask(each);
    if (found == 0) continue;
    out[count].events = found;
    out[count].data.u64 = each.data;
    ++count;
    if ((each.events & EPOLLONESHOT) != 0) each.events = 0;
  }
  return count;
}

kernel::stream* kernel::choose_open(std::size_t index) noexcept {
  std::size_t open = 0;
  for (const auto& each : streams_) open += each->open ? 1 : 0;
  if (open == 0) return nullptr;
  index %= open;
  for (const auto& each : streams_) {
    if (each->open && index-- == 0) return each.get();
  }
  return nullptr;
}

void kernel::arrive_at_listener(std::size_t index) {
  std::vector<object*> listeners;
  for (object& each : objects_) {
    if (each.type == kind::listener) listeners.push_back(&each);
  }
  if (listeners.empty() || streams_.size() == most_streams) return;
  object& at = *listeners[index % listeners.size()];
  stream& fresh = new_stream(at.port);
  fresh.room = rooms[script_.number(7)];
  give_bytes(fresh);
  at.waiting.push_back(&fresh);
  if (at.watched) at.edge = true;
}

// A piece of the input, once or many times: so that a short input makes long lines.
void kernel::give_bytes(stream& one) {
  if (one.ended || one.was_reset) return;
  const std::uint8_t how = script_.byte();
  const std::string_view piece = script_.text(how & 0x3FU);
  const std::size_t times = how < 0xC0 ? 1 : std::size_t{1} << (1 + (how & 0x0FU) % 12);
  if (one.fed.size() + piece.size() * times > 300'000) return;
  for (std::size_t i = 0; i < times; ++i) one.fed += piece;
  if (!piece.empty()) wake(one);
}

void kernel::act_on(stream& one, std::uint8_t what) {
  switch (what & 7U) {
    case 3:
      one.ended = true;
      break;
    case 4:
      one.was_reset = true;
      one.failure = ECONNRESET;
      break;
    case 5: {
      const bool was_full = one.room == 0;
      one.room += script_.number(65'535);
      if (!was_full || !one.wants_room || one.room == 0) return;
      one.wants_room = false;
      break;
    }
    case 7:
      break;  // an edge for nothing
    default:
      return give_bytes(one);
  }
  wake(one);
}

// Does the next thing that the input says; false when there is none.
bool kernel::act() {
  if (script_.empty()) return false;
  const std::uint8_t what = script_.byte();
  const std::size_t index = what >> 3U;
  if ((what & 7U) == 0) {
    arrive_at_listener(index);
  } else if ((what & 7U) == 6) {
    now_ += std::chrono::microseconds(1) * (std::int64_t{1} << (index % 26));
  } else if (what == 0xFF && on_stop) {
    on_stop();
  } else if (stream* const one = choose_open(index)) {
    act_on(*one, what);
  }
  return true;
}

// The network is well: one step for all; false when there is nothing left to do.
bool kernel::heal() {
  if (!healed_) healed_at_ = now_;
  healed_ = true;
  bool changed = false;
  for (const auto& each : streams_) {
    if (each->was_reset || (each->ended && each->room >= plenty / 2)) continue;
    each->ended = true;
    each->room = plenty;
    each->wants_room = false;
    wake(*each);
    changed = true;
  }
  return changed;
}

// `timeout` in nanoseconds; negative: for ever.
int kernel::wait(int epoll, epoll_event* out, int most, std::int64_t timeout) {
  at(epoll, kind::epoll);
  if (timeout != 0 && interrupts()) return -EINTR;
  const duration until = now_ + duration(timeout);
  const std::size_t moves = script_.empty() ? 0 : script_.number(3);
  for (std::size_t i = 0; i < moves; ++i) act();
  for (;;) {
    count_call();
    if (const int count = collect(out, most); count != 0) return count;
    if (timeout == 0 || (timeout > 0 && now_ >= until)) return 0;
    if (act() || heal()) continue;
    if (timeout > 0) {
      now_ = until;
      return 0;
    }
    require(!idle_told_ && on_idle != nullptr, "a server does not wait for what never comes");
    idle_told_ = true;
    on_idle();
    return -EINTR;  // so that it looks around
  }
}

int kernel::wait_for_input(int fd) {
  const stream& from = stream_at(fd);
  if (interrupts()) return -EINTR;
  while (from.taken == from.fed.size() && !from.ended && !from.was_reset) {
    count_call();
    if (!act()) heal();
  }
  return 1;
}

}  // namespace cetane::fuzz
