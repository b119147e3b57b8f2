#include "backend/sim_network.hpp"

#include <backend/sim_address.hpp>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace cetane::detail {

int sim_network::listen(sim_host& on, const address& at, const listen_request& request,
                        int& descriptor, address& bound) {
  if (at.family() == address_family::none) return -EAFNOSUPPORT;
  if (!is_own(at, on)) return -EADDRNOTAVAIL;
  const bool shared = request.reuse_port && !at.is_unix();
  address where = at;
  if (const int failed = on.ports.take(where, shared); failed < 0) return failed;
  auto made = std::make_shared<sim_listener>(request.backlog);
  made->host = &on;
  made->local = where;
  made->address_held = where;
  listeners_.push_back(made);
  descriptor = descriptors_.add(std::move(made));
  bound = where;
  engine_.note("listen on {}", where);
  return 0;
}

int sim_network::accept(int listener, int& descriptor, address& peer) {
  const auto socket = find(listener);
  if (socket == nullptr) return -EBADF;
  if (socket->type != sim_socket::kind::listener) return -EINVAL;
  auto& from = static_cast<sim_listener&>(*socket);
  if (!from.somebody_waits()) return -EAGAIN;
  const int failed = from.trouble.meet(engine_, from.local, [=, this] { engine_.mark(socket); });
  if (failed == -ECONNABORTED) from.take()->close(true);
  if (failed < 0) return failed;
  auto newcomer = from.take();
  if (from.keeps_alive) newcomer->keep_alive();
  ++engine_.io_operations;
  engine_.note("{} is accepted", newcomer->name());
  peer = newcomer->remote;
  descriptor = descriptors_.add(std::move(newcomer));
  return 0;
}

// What is held where a way is cut keeps its connection, which keeps it.
sim_network::~sim_network() {
  for (const auto& each : begun_) {
    if (const connection_ptr one = each.lock()) {
      one->client()->way().forget();
      one->server()->way().forget();
    }
  }
}

int sim_network::connect(sim_host& on, const address& to, const address* from, int& descriptor) {
  const auto wanted = std::make_shared<sim_connection>(engine_, connections_ + 1);
  const auto client = wanted->client();
  client->host = &on;
  client->remote = sim_address::reached(to);
  if (const int failed = take_local_address(*client, from); failed < 0) return failed;
  ++connections_;
  add(wanted, begun_);
  engine_.note("{} connects from {} to {}", client->name(), client->local, client->remote);
  if (to.is_unix()) {
    if (const int failed = connect_at_once(wanted); failed < 0) {
      give_back_address(*client);
      return failed;
    }
  }
  client->set_open();
  descriptor = descriptors_.add(client);
  if (to.is_unix()) return 0;
  begin(wanted);
  return -EINPROGRESS;
}

int sim_network::close(int descriptor, bool reset) {
  const auto socket = descriptors_.remove(descriptor);
  if (socket == nullptr) return -EBADF;
  if (socket->type == sim_socket::kind::datagram) {
    post_.forget(std::static_pointer_cast<sim_datagram>(socket));
  } else {
    give_back_address(*socket);
  }
  if (socket->type == sim_socket::kind::listener) {
    engine_.note("listen on {} no more", socket->local);
    // From the back: who ends thousands of listeners mostly ends the last one first.
    const auto after = std::find(listeners_.rbegin(), listeners_.rend(), socket).base();
    if (after != listeners_.begin()) listeners_.erase(std::prev(after));
  }
  socket->close(reset);
  return 0;
}

int sim_network::keep_alive(int descriptor) {
  const auto socket = find(descriptor);
  if (socket == nullptr) return -EBADF;
  if (socket->type == sim_socket::kind::listener) {
    static_cast<sim_listener&>(*socket).keeps_alive = true;
  } else if (const auto stream = find_stream(descriptor)) {
    stream->keep_alive();
  }
  return 0;
}

void sim_network::cut_power(sim_host& of) noexcept {
  engine_.note("the power of {} is cut", of.title());
  of.up = false;
  std::erase_if(listeners_, [&](const listener_ptr& one) { return one->host == &of; });
  post_.cut_power(of);
  descriptors_.for_each([&](sim_socket& socket) {
    if (socket.host == &of) socket.vanish();
  });
  of.take_marked();
  for_each_end([](sim_stream& end) { end.way().begin_to_ask(); });
}

void sim_network::cut(sim_host& from, sim_host& to, duration how_long) {
  if (&from == &to) return;
  const std::uint64_t number = ++cuts_;
  from.cut_off_from.insert_or_assign(to.number, number);
  engine_.note("the way from {} to {} is cut", from.title(), to.title());
  for_each_end([](sim_stream& end) { end.way().begin_to_ask(); });
  if (how_long == duration::max()) return;
  engine_.schedule.at(deadline_after(engine_.now(), how_long), [this, number, &from, &to] {
    const auto found = from.cut_off_from.find(to.number);
    if (found != from.cut_off_from.end() && found->second == number) mend(from, to);
  });
}

void sim_network::mend(sim_host& from, sim_host& to) {
  if (from.cut_off_from.erase(to.number) == 0) return;
  engine_.note("the way from {} to {} is open again", from.title(), to.title());
  for_each_end([](sim_stream& end) { end.way().try_again_if_parked(); });
}

void sim_network::mend() {
  hosts_.for_each(
      [this](sim_host& from) { hosts_.for_each([&](sim_host& to) { mend(from, to); }); });
}

std::size_t sim_network::bytes_in_flight() {
  std::size_t sum = 0;
  for_each_end([&](const sim_stream& end) {
    if (!end.gone() && !end.other()->gone()) sum += end.unacknowledged();
  });
  return sum;
}

// Of connections that are established.
template <class Visit>
void sim_network::for_each_end(Visit&& visit) {
  forget_ended(established_);
  for (std::size_t i = 0; i < established_.size(); ++i) {
    const connection_ptr one = established_[i].lock();
    if (one == nullptr) continue;
    visit(*one->client());
    visit(*one->server());
  }
}

std::size_t sim_network::open_descriptors(const sim_host& of) const noexcept {
  std::size_t count = 0;
  descriptors_.for_each([&](const sim_socket& socket) { count += socket.host == &of; });
  return count;
}

std::shared_ptr<sim_stream> sim_network::find_stream(int descriptor) const noexcept {
  const auto socket = find(descriptor);
  if (socket == nullptr || socket->type != sim_socket::kind::stream) return nullptr;
  return std::static_pointer_cast<sim_stream>(socket);
}

bool sim_network::is_own(const address& where, sim_host& on) const noexcept {
  return hosts_.owner(where, on) == &on;
}

void sim_network::give_back_address(const sim_socket& socket) noexcept {
  if (socket.address_held) socket.host->ports.give_back(*socket.address_held);
}

// Who listens at the very address goes before who listens at all of them; among several, chance
// decides as the kernel's hash does.
sim_network::listener_ptr sim_network::find_listener(const address& to, sim_host& from) {
  const sim_host* const on = hosts_.owner(to, from);
  std::vector<listener_ptr> found;
  for (const bool exact : {true, false}) {
    for (const listener_ptr& one : listeners_) {
      if (one->host != on) continue;
      if (exact ? one->local == to : hosts_.serves(one->local, to, *on)) found.push_back(one);
    }
    if (!found.empty()) break;
  }
  if (found.empty()) return nullptr;
  return found.size() == 1 ? found.front() : found[engine_.choices.roll(0, found.size() - 1)];
}

int sim_network::take_local_address(sim_stream& client, const address* from) {
  const address& to = client.remote;
  if (to.family() == address_family::none) return -EAFNOSUPPORT;
  if (from != nullptr && from->family() != to.family()) return -EINVAL;
  if (to.is_unix() && from == nullptr) {
    client.local = sim_address::unnamed();
    return 0;
  }
  if (from != nullptr && !is_own(*from, *client.host)) return -EADDRNOTAVAIL;
  client.local = hosts_.source_for(to, *client.host);
  if (from != nullptr) {
    client.local = sim_address::is_any(*from) ? client.local.with_port(from->port()) : *from;
  }
  if (const int failed = client.host->ports.take(client.local, false); failed < 0) {
    return from == nullptr ? -EADDRNOTAVAIL : failed;
  }
  client.address_held = client.local;
  return 0;
}

void sim_network::forget_ended(connection_list& in) {
  std::erase_if(in, [](const auto& one) { return one.expired(); });
}

// Those that have ended leave when there is no room.
void sim_network::add(const connection_ptr& one, connection_list& to) {
  if (to.size() == to.capacity()) {
    forget_ended(to);
    to.reserve(2 * to.size() + 16);
  }
  to.push_back(one);
}

void sim_network::draw_breaking() {
  forget_ended(established_);
  for (const auto& one : established_) one.lock()->breaking.draw();
}

}  // namespace cetane::detail
