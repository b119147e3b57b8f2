// Each datagram takes a latency of its own, but none overtakes another from the same socket, unless
// chance has it reordered. It may be lost, or come twice, or with its end cut off. Who receives it
// is settled when it arrives, and so is whether the way there is open: nobody sends it again.
// Where nobody receives, a refusal goes back, which takes a latency too. An address that no host
// has is unreachable, as where the neighbours have been asked for it in vain.
//
// Unix sockets lose nothing: there the sender waits.
#include <backend/sim_address.hpp>
#include <backend/sim_post.hpp>
#include <os/datagram_outbox.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <utility>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_on_unix = 212'960;  // a kernel's usual buffer, less what it needs itself
constexpr std::size_t unlimited = ~std::size_t{0};

std::string joined(const iovec* parts, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return bytes;
}

bool is_for_many(const address& to) noexcept {
  return sim_address::is_multicast(to) || sim_address::is_broadcast(to);
}

// An address as a socket shows it to its owner.
address shown_to(const sim_datagram& owner, const address& other) {
  const bool mapped =
      owner.local.family() == address_family::ipv6 && other.family() == address_family::ipv4;
  return mapped ? sim_address::seen_by_ipv6(other) : other;
}

}  // namespace

ssize_t sim_post::send(datagram_io& socket, const address* to, const iovec* parts, int count) {
  const auto from = find(socket.descriptor);
  if (from == nullptr) return -EBADF;
  if (to == nullptr && !from->has_peer) return -EDESTADDRREQ;
  const address wanted = to == nullptr ? from->peer : sim_address::reached(*to);
  if (wanted.family() != from->local.family()) return -EINVAL;
  const address where = sim_address::unmapped(wanted);
  std::string bytes = joined(parts, count);
  const auto size = static_cast<ssize_t>(bytes.size());
  const ssize_t result = where.is_unix()
                             ? send_on_unix(from, where, std::move(bytes), to == nullptr)
                             : send_over(from, where, std::move(bytes));
  if (result == -EAGAIN) {
    socket.writable = false;
    from->starved = true;
  }
  if (result < 0) return result;
  ++engine_.io_operations;
  return size;
}

// As the kernel's: it stops at the first that cannot be sent.
int sim_post::send_several(datagram_io& socket, const os::datagram_outbox& what,
                           std::size_t first) {
  for (std::size_t i = first; i < what.size(); ++i) {
    const os::ip_place& place = what.place(i);
    const address to = place.value();
    const std::string_view bytes = what.bytes(i);
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t result = send(socket, place.length() == 0 ? nullptr : &to, &part, 1);
    if (result < 0) return i == first ? static_cast<int>(result) : static_cast<int>(i - first);
  }
  return static_cast<int>(what.size() - first);
}

// Nobody tells a sender without a peer when there is room.
ssize_t sim_post::send_on_unix(const socket_ptr& from, const address& to, std::string bytes,
                               bool tells) {
  if (bytes.size() > most_on_unix) return -EMSGSIZE;
  const auto there = receivers(to, *from->host);
  if (there.empty()) return to.host().starts_with('@') ? -ECONNREFUSED : -ENOENT;
  const socket_ptr& receiver = there.front();
  if (!receiver->hears(from->local)) return -EPERM;
  if (receiver->is_full_for_unix()) {
    if (!tells) return -ENOBUFS;
    receiver->waiting_for_room.push_back(from);
    return -EAGAIN;
  }
  receiver->expect();
  engine_.note("{} sends {} bytes to {}", from->local, bytes.size(), to);
  const time_point then = arrival(*from, bytes.size());
  engine_.schedule.under_way(then, [this, receiver, from = from->local, bytes = std::move(bytes)] {
    receiver->no_longer_expect();
    if (!receiver->open) return;
    engine_.note("{} receives {} bytes from {}", receiver->local, bytes.size(), from);
    engine_.trace.fold(bytes);
    receiver->arrive(bytes, from, false, unlimited);
    engine_.mark(receiver);
  });
  return 0;
}

ssize_t sim_post::send_over(const socket_ptr& from, const address& to, std::string bytes) {
  if (bytes.size() > os::longest_datagram(to.family())) return -EMSGSIZE;
  if (to.port() == 0) return -EINVAL;
  if (sim_address::is_broadcast(to) && !from->may_broadcast) return -EACCES;
  if (has_no_room(from)) return -EAGAIN;
  engine_.note("{} sends {} bytes to {}", from->local, bytes.size(), to);
  if (engine_.strikes(fault_kind::lost_datagrams)) {
    engine_.meet(fault_kind::lost_datagrams, "from {}", from->local);
    return 0;
  }
  if (engine_.strikes(fault_kind::doubled_datagrams)) {
    engine_.meet(fault_kind::doubled_datagrams, "from {}", from->local);
    carry(from, to, bytes);
  }
  carry(from, to, std::move(bytes));
  return 0;
}

bool sim_post::has_no_room(const socket_ptr& from) {
  if (from->under_way > engine_.capacity()) {
    if (engine_.has_small_buffers())
      engine_.meet(fault_kind::buffers, "{} has {} bytes under way", from->local, from->under_way);
    return true;
  }
  return from->stall.begins(engine_, from->name(), [this, from] {
    from->stall.end();
    if (from->relieve()) engine_.mark(from);
  });
}

void sim_post::carry(const socket_ptr& from, const address& to, std::string bytes) {
  from->under_way += bytes.size();
  const time_point then = arrival(*from, bytes.size());
  engine_.schedule.under_way(then, [this, from, to, bytes = std::move(bytes)] {
    from->under_way -= bytes.size();
    if (!from->stall.on() && from->relieve()) engine_.mark(from);
    arrive(from, to, seen_from(*from, to), bytes);
  });
}

// Who is reordered comes later than others that leave later, but does not hold those up.
time_point sim_post::arrival(sim_datagram& from, std::size_t bytes) {
  if (from.path.busy())
    engine_.meet(fault_kind::bandwidth, "{} waits for what it sent before", from.local);
  const time_point usual = from.path.arrival(bytes);
  if (from.local.is_unix() || !engine_.strikes(fault_kind::reordered_datagrams)) return usual;
  engine_.meet(fault_kind::reordered_datagrams, "from {}", from.local);
  const duration step = std::max<duration>(engine_.longest_latency(), 1ms);
  return usual + engine_.faults.dice(fault_kind::reordered_datagrams).roll(step, 4 * step);
}

// Among several hosts one that is bound to a loopback address is heard of elsewhere, too: see
// sim_hosts::serves().
address sim_post::seen_from(const sim_datagram& sender, const address& to) const {
  const address& own = sender.local;
  const bool far = !hosts_.alone() && !sim_address::is_loopback(to);
  if (!sim_address::is_any(own) && !(far && sim_address::is_loopback(own))) return own;
  const bool many = hosts_.alone() && is_for_many(to);
  const address source = many ? sim_address::reached(own) : hosts_.source_for(to, *sender.host);
  return source.with_port(own.port());
}

void sim_post::arrive(const socket_ptr& from, const address& to, const address& sender,
                      const std::string& bytes) {
  engine_.trace.fold(bytes);
  const bool many = is_for_many(to);
  sim_host* const there = many ? nullptr : hosts_.owner(to, *from->host);
  if (there != nullptr && !from->host->reaches(*there)) {
    return engine_.note("a datagram from {} does not reach {}", sender, to);
  }
  bool heard = false;
  for (const socket_ptr& receiver : many ? members(to, *from->host) : receivers(to, *from->host)) {
    const address seen = shown_to(*receiver, sender);
    if (!receiver->hears(seen)) continue;
    heard = true;
    arrive_at(receiver, seen, bytes);
  }
  if (!heard && !many) arrive_nowhere(from, to);
}

void sim_post::arrive_at(const socket_ptr& receiver, const address& seen,
                         const std::string& bytes) {
  const std::size_t length = length_kept(bytes.size(), *receiver);
  const bool cut = length < bytes.size();
  if (receiver->arrive(bytes.substr(0, length), seen, cut, engine_.capacity())) {
    engine_.note("{} receives {} bytes from {}", receiver->local, length, seen);
    return engine_.mark(receiver);
  }
  engine_.note("{} has no room for a datagram from {}", receiver->local, seen);
  if (engine_.has_small_buffers())
    engine_.meet(fault_kind::buffers, "{} has no room for {} bytes", receiver->local, length);
}

void sim_post::arrive_nowhere(const socket_ptr& from, const address& to) {
  sim_host* const there = hosts_.owner(to, *from->host);
  if (there == nullptr) {
    return engine_.schedule.at(engine_.now() + neighbour_patience,
                               [this, from, to] { refuse(from, to, EHOSTUNREACH); });
  }
  engine_.schedule.under_way(engine_.now() + engine_.draw_latency(), [this, from, to, there] {
    if (there->reaches(*from->host)) refuse(from, to, ECONNREFUSED);
  });
}

void sim_post::refuse(const socket_ptr& from, const address& to, int error) {
  if (!from->open) return;
  engine_.note("{} is told of a datagram to {}: {}", from->local, to, error);
  from->note_failure(shown_to(*from, to), error);
  engine_.mark(from);
}

std::size_t sim_post::length_kept(std::size_t length, const sim_datagram& receiver) {
  if (length == 0 || !engine_.strikes(fault_kind::truncated_datagrams)) return length;
  engine_.meet(fault_kind::truncated_datagrams, "at {}", receiver.local);
  return engine_.faults.dice(fault_kind::truncated_datagrams).roll(0, length - 1);
}

// One of several sockets that share a port, the same each time; who is at the very address goes
// before who is at all of them. None or one.
std::vector<sim_post::socket_ptr> sim_post::receivers(const address& to, sim_host& from) const {
  const sim_host* const on = hosts_.owner(to, from);
  for (const bool exact : {true, false}) {
    for (const socket_ptr& one : sockets_) {
      if (one->host != on) continue;
      if (exact ? one->local == to : hosts_.serves(one->local, to, *on)) return {one};
    }
  }
  return {};
}

// Of a group, or of all, as far as the sender's host reaches them.
std::vector<sim_post::socket_ptr> sim_post::members(const address& to, const sim_host& from) const {
  const bool all = sim_address::is_broadcast(to);
  const address group = to.with_port(0);
  std::vector<socket_ptr> found;
  for (const socket_ptr& one : sockets_) {
    if (one->local.port() != to.port() || !from.reaches(*one->host)) continue;
    const auto& joined = one->groups;
    if (all || std::find(joined.begin(), joined.end(), group) != joined.end()) found.push_back(one);
  }
  return found;
}

}  // namespace cetane::detail
