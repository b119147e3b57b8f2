#pragma once

#include <backend/sim_ports.hpp>
#include <backend/sim_socket.hpp>

#include <cetane/backend/sim_hosts.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cetane::detail {

/// A machine on the simulated network: its name, its addresses, and what its kernel keeps.
///
/// It stays when its loop goes, as a machine stays whose power is cut.
class sim_host final : public simulated_host {
 public:
  /// Number n has 10.0.0.n and fd00::n.
  sim_host(unsigned its_number, std::string its_name);

  const std::string& name() const noexcept override { return name_; }
  const address& ipv4() const noexcept override { return ipv4_; }
  const address& ipv6() const noexcept override { return ipv6_; }

  void runs_as(const peer_credentials& who) noexcept override { credentials = who; }

  /// What it is called in the log.
  std::string title() const { return name_.empty() ? "the test" : name_; }

  /// True for an address that only this one has, whatever the port.
  bool has(const address& where) const noexcept {
    return where.with_port(0) == ipv4_ || where.with_port(0) == ipv6_;
  }

  /// False when nothing from here arrives there: the way is cut, or there is no power.
  bool reaches(const sim_host& other) const noexcept {
    return other.up && !cut_off_from.contains(other.number);
  }

  /// Something happened to `socket`, one of this host's: its owner hears of it in this poll, or in
  /// the next one.
  void mark(std::shared_ptr<sim_socket> socket) {
    if (std::exchange(socket->marked, true)) return;
    marked_.push_back(std::move(socket));
  }
  bool any_marked() const noexcept { return !marked_.empty(); }

  /// Gives out the marked sockets, in the order of what happened to them.
  std::vector<std::shared_ptr<sim_socket>> take_marked() noexcept {
    for (const auto& socket : marked_) socket->marked = false;
    return std::exchange(marked_, {});
  }

  const unsigned number;  // 1: where the loop is that moves the clock
  sim_ports ports;        // of connections, and the names of all Unix sockets
  sim_ports datagram_ports;
  peer_credentials credentials;                    // of all processes there
  bool up = false;                                 // it has a loop
  std::map<unsigned, std::uint64_t> cut_off_from;  // hosts to which nothing gets, with the cut

 private:
  const std::string name_;
  const address ipv4_;
  const address ipv6_;
  std::vector<std::shared_ptr<sim_socket>> marked_;
};

}  // namespace cetane::detail
