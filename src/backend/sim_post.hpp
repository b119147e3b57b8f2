#pragma once

#include <backend/sim_datagram.hpp>
#include <backend/sim_descriptors.hpp>
#include <backend/sim_engine.hpp>
#include <backend/sim_hosts.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/clock.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cetane::detail {

/// The part of the simulated network that carries datagrams.
///
/// Calls that can fail return a negative errno value, the kernel's own for the same case.
class sim_post {
 public:
  sim_post(sim_engine& engine, sim_descriptors& descriptors, sim_hosts& hosts) noexcept
      : engine_(engine), descriptors_(descriptors), hosts_(hosts) {}

  // sim_post.cpp
  int open(sim_host& on, const address& at, const datagram_request& request, int& descriptor,
           address& bound);
  std::span<const arrived_datagram> receive(datagram_io& socket, std::size_t limit,
                                            std::size_t count);
  int take_failure(datagram_io& socket, datagram_failure& out);
  int set_membership(int descriptor, const address& group, bool member);
  int set_broadcast(int descriptor, bool allowed);

  /// The descriptor is closed.
  void forget(const std::shared_ptr<sim_datagram>& socket);
  /// Nothing comes to the sockets of this host any more.
  void cut_power(const sim_host& of) noexcept;

  // sim_mailing.cpp
  ssize_t send(datagram_io& socket, const address* to, const iovec* parts, int count);
  int send_several(datagram_io& socket, const os::datagram_outbox& what, std::size_t first);

 private:
  using socket_ptr = std::shared_ptr<sim_datagram>;

  // sim_post.cpp
  socket_ptr find(int descriptor) const noexcept;
  int take_place(sim_datagram& made, const address& at, const datagram_request& request);
  int take_unix_name(sim_datagram& made);
  sim_ports& ports_for(const sim_datagram& socket, const address& where) const noexcept;
  void tell_of_room(sim_datagram& emptied);

  // sim_mailing.cpp
  ssize_t send_on_unix(const socket_ptr& from, const address& to, std::string bytes, bool tells);
  ssize_t send_over(const socket_ptr& from, const address& to, std::string bytes);
  bool has_no_room(const socket_ptr& from);
  void carry(const socket_ptr& from, const address& to, std::string bytes);
  time_point arrival(sim_datagram& from, std::size_t bytes);
  address seen_from(const sim_datagram& sender, const address& to) const;
  void arrive(const socket_ptr& from, const address& to, const address& sender,
              const std::string& bytes);
  void arrive_at(const socket_ptr& receiver, const address& seen, const std::string& bytes);
  void arrive_nowhere(const socket_ptr& from, const address& to);
  void refuse(const socket_ptr& from, const address& to, int error);
  std::size_t length_kept(std::size_t length, const sim_datagram& receiver);
  std::vector<socket_ptr> receivers(const address& to, sim_host& from) const;
  std::vector<socket_ptr> members(const address& to, const sim_host& from) const;

  sim_engine& engine_;
  sim_descriptors& descriptors_;
  sim_hosts& hosts_;
  std::vector<socket_ptr> sockets_;  // open ones, oldest first
};

}  // namespace cetane::detail
