// Datagram sockets of simulated hosts: their places, what has come to them, and what they have
// joined. sim_mailing.cpp has how datagrams travel.
#include "backend/sim_post.hpp"

#include <backend/sim_address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cetane::detail {

sim_post::socket_ptr sim_post::find(int descriptor) const noexcept {
  auto socket = descriptors_.find(descriptor);
  if (socket == nullptr || socket->type != sim_socket::kind::datagram) return nullptr;
  return std::static_pointer_cast<sim_datagram>(std::move(socket));
}

int sim_post::open(sim_host& on, const address& at, const datagram_request& request,
                   int& descriptor, address& bound) {
  const auto made = std::make_shared<sim_datagram>(engine_);
  made->host = &on;
  if (request.to != nullptr) {
    made->has_peer = true;
    made->peer = sim_address::reached(*request.to);
  }
  if (const int failed = take_place(*made, at, request); failed < 0) return failed;
  if (made->has_peer && made->peer.is_unix() && receivers(made->peer, on).empty()) {
    forget(made);
    return made->peer.host().starts_with('@') ? -ECONNREFUSED : -ENOENT;
  }
  sockets_.push_back(made);
  descriptor = descriptors_.add(made);
  bound = made->local;
  engine_.note("receive datagrams at {}", bound);
  return 0;
}

sim_ports& sim_post::ports_for(const sim_datagram& socket, const address& where) const noexcept {
  return where.is_unix() ? socket.host->ports : socket.host->datagram_ports;
}

int sim_post::take_place(sim_datagram& made, const address& at, const datagram_request& request) {
  address where = at;
  if (at.family() == address_family::none) {
    if (!made.has_peer) return -EAFNOSUPPORT;
    if (made.peer.is_unix()) return take_unix_name(made);
    where = hosts_.source_for(made.peer, *made.host);
  }
  if (made.has_peer && made.peer.family() != where.family()) return -EINVAL;
  const bool own = hosts_.owner(where, *made.host) == made.host;
  if (!own && !sim_address::is_multicast(where)) return -EADDRNOTAVAIL;
  const bool shared = (request.reuse_port || request.share_port) && !where.is_unix();
  if (const int failed = ports_for(made, where).take(where, shared); failed < 0) return failed;
  made.address_held = made.local = where;
  if (made.has_peer && sim_address::is_any(where))
    made.local = hosts_.source_for(made.peer, *made.host).with_port(where.port());
  return 0;
}

// The first free one, as the kernel has it.
int sim_post::take_unix_name(sim_datagram& made) {
  constexpr int most_names = 100'000;
  for (int number = 0; number < most_names; ++number) {
    address where = address::unix_path(fmt::format("@{:05x}", number));
    if (made.host->ports.take(where, false) < 0) continue;
    made.address_held = made.local = where;
    return 0;
  }
  return -ENOSPC;
}

// Who waits for its room learns that there is nobody any more.
void sim_post::forget(const socket_ptr& socket) {
  const address& held = *socket->address_held;
  ports_for(*socket, held).give_back(held);
  std::erase(sockets_, socket);
  tell_of_room(*socket);
}

void sim_post::cut_power(const sim_host& of) noexcept {
  std::erase_if(sockets_, [&](const socket_ptr& one) { return one->host == &of; });
}

std::span<const arrived_datagram> sim_post::receive(datagram_io& socket, std::size_t limit,
                                                    std::size_t count) {
  const auto at = find(socket.descriptor);
  if (at == nullptr) return {};
  const auto got = at->take(limit, std::min(count, os::datagrams_per_call));
  socket.readable = got.size() == count;
  if (got.empty()) return got;
  ++engine_.io_operations;
  engine_.trace.fold(at->name());
  engine_.trace.fold(got.size());
  tell_of_room(*at);
  return got;
}

void sim_post::tell_of_room(sim_datagram& emptied) {
  for (const auto& waiting : std::exchange(emptied.waiting_for_room, {})) {
    const auto sender = waiting.lock();
    if (sender != nullptr && sender->relieve()) engine_.mark(sender);
  }
}

int sim_post::take_failure(datagram_io& socket, datagram_failure& out) {
  const auto of = find(socket.descriptor);
  if (of != nullptr && of->take_failure(out)) return 0;
  socket.failed = false;
  return -EAGAIN;
}

int sim_post::set_membership(int descriptor, const address& group, bool member) {
  const auto of = find(descriptor);
  if (of == nullptr) return -EBADF;
  if (!sim_address::is_multicast(group)) return -EINVAL;
  const address joined = group.with_port(0);
  const auto known = std::find(of->groups.begin(), of->groups.end(), joined);
  if (member == (known != of->groups.end())) return member ? -EADDRINUSE : -EADDRNOTAVAIL;
  if (member) {
    of->groups.push_back(joined);
  } else {
    of->groups.erase(known);
  }
  return 0;
}

int sim_post::set_broadcast(int descriptor, bool allowed) {
  const auto of = find(descriptor);
  if (of == nullptr) return -EBADF;
  of->may_broadcast = allowed;
  return 0;
}

}  // namespace cetane::detail
