// Connections are made on TCP's model; each arrow takes a latency:
//
//   client               listener
//   connect --SYN------> knock: nobody there: refuse; no place left: the client asks again later
//   answer  <--SYN/ACK-- keeps a place
//           --ACK------> join: who listens is told
//
// An address that nobody has is unreachable, as where the neighbours have been asked for it in
// vain. A Unix socket is connected, or refused, at once; only the listener hears of it later.
#include <backend/sim_address.hpp>
#include <backend/sim_connect_fate.hpp>
#include <backend/sim_network.hpp>

#include <cerrno>
#include <chrono>
#include <utility>

namespace cetane::detail {
namespace {

// Linux asks again after 1, 2, 4, ... s, six times, and gives up 64 s after the last time.
constexpr unsigned most_tries = 7;

duration patience_of(unsigned tries) { return std::chrono::seconds(1U << (tries - 1)); }

// Gives the server's end its addresses, as a listener of this family shows them.
void name_server_end(sim_connection& made, const sim_listener& listener) {
  const auto client = made.client();
  const auto server = made.server();
  server->host = listener.host;
  const bool mapped = listener.local.family() == address_family::ipv6 &&
                      client->remote.family() == address_family::ipv4;
  server->local = mapped ? sim_address::seen_by_ipv6(client->remote) : client->remote;
  server->remote = mapped ? sim_address::seen_by_ipv6(client->local) : client->local;
}

}  // namespace

void sim_network::after_latency(std::function<void()> happen) {
  engine_.schedule.under_way(engine_.now() + engine_.draw_latency(), std::move(happen));
}

void sim_network::begin(const connection_ptr& wanted) {
  const auto client = wanted->client();
  if (hosts_.owner(client->remote, *client->host) == nullptr) {
    return engine_.schedule.at(engine_.now() + neighbour_patience,
                               [this, wanted] { refuse(wanted, EHOSTUNREACH); });
  }
  const auto fate = draw_connect_fate(engine_, client->name());
  if (!fate) return after_latency([=, this] { knock(wanted, 1); });
  if (fate->error == 0) return;
  engine_.schedule.at(engine_.now() + fate->after,
                      [=, this, error = fate->error] { refuse(wanted, error); });
}

void sim_network::knock(const connection_ptr& wanted, unsigned tries) {
  const auto client = wanted->client();
  if (!client->open()) return;
  const sim_host* const there = hosts_.owner(client->remote, *client->host);
  if (there != nullptr && !client->host->reaches(*there)) return knock_unheard(wanted, tries);
  const listener_ptr listener = find_listener(client->remote, *client->host);
  if (listener == nullptr) {
    return after_latency([=, this] {
      if (there != nullptr && !there->reaches(*client->host)) return knock_unheard(wanted, tries);
      refuse(wanted, ECONNREFUSED);
    });
  }
  const time_point later = engine_.now() + patience_of(tries);
  if (listener->full()) {
    engine_.note("{} finds no place", client->name());
    return engine_.schedule.at(later, next_knock(wanted, tries));
  }
  if (engine_.strikes(fault_kind::full_backlogs)) {
    engine_.meet(fault_kind::full_backlogs, "{} finds no place", client->name());
    return engine_.schedule.under_way(later, next_knock(wanted, tries));
  }
  listener->expect();
  wanted->server()->establish();
  name_server_end(*wanted, *listener);
  after_latency([=, this] { answer(wanted, listener, tries); });
}

std::function<void()> sim_network::next_knock(const connection_ptr& wanted, unsigned tries) {
  return [=, this] { tries < most_tries ? knock(wanted, tries + 1) : refuse(wanted, ETIMEDOUT); };
}

// The question was lost, or the answer.
void sim_network::knock_unheard(const connection_ptr& wanted, unsigned tries) {
  engine_.note("{} is not answered", wanted->client()->name());
  engine_.schedule.under_way(engine_.now() + patience_of(tries), next_knock(wanted, tries));
}

void sim_network::answer(const connection_ptr& made, const listener_ptr& listener, unsigned tries) {
  const auto client = made->client();
  if (!client->open()) return listener->no_longer_expect();
  if (!listener->host->reaches(*client->host)) {
    listener->no_longer_expect();
    return knock_unheard(made, tries);
  }
  engine_.note("{} is connected", client->name());
  client->establish();
  client->send_over([=, this](sim_stream&) { join(made, listener); });
  engine_.mark(client);
  established(made);
}

void sim_network::established(const connection_ptr& made) {
  ++engine_.io_operations;
  add(made, established_);
  made->breaking.draw();
}

void sim_network::join(const connection_ptr& made, const listener_ptr& listener) {
  const auto server = made->server();
  listener->no_longer_expect();
  if (listener->vanished()) return server->vanish();
  if (!listener->open()) return server->close(true);
  engine_.note("{} waits to be accepted", server->name());
  server->set_open();
  listener->put(server);
  engine_.mark(listener);
}

void sim_network::refuse(const connection_ptr& wanted, int error) {
  const auto client = wanted->client();
  if (!client->open()) return;
  engine_.note("{} is refused ({})", client->name(), error);
  client->refuse(error);
  engine_.mark(client);
}

int sim_network::connect_at_once(const connection_ptr& wanted) {
  const auto client = wanted->client();
  const listener_ptr listener = find_listener(client->remote, *client->host);
  if (listener == nullptr) return client->remote.host().starts_with('@') ? -ECONNREFUSED : -ENOENT;
  if (engine_.strikes(fault_kind::refused_connects)) {
    engine_.meet(fault_kind::refused_connects, "{} is refused", client->name());
    return -ECONNREFUSED;
  }
  if (listener->full()) return -EAGAIN;
  if (engine_.strikes(fault_kind::full_backlogs)) {
    engine_.meet(fault_kind::full_backlogs, "{} finds no place", client->name());
    return -EAGAIN;
  }
  listener->expect();
  name_server_end(*wanted, *listener);
  client->establish();
  wanted->server()->establish();
  client->send_over([=, this](sim_stream&) { join(wanted, listener); });
  ++engine_.io_operations;
  return 0;
}

}  // namespace cetane::detail
