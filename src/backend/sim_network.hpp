#pragma once

#include <backend/sim_connection.hpp>
#include <backend/sim_descriptors.hpp>
#include <backend/sim_engine.hpp>
#include <backend/sim_hosts.hpp>
#include <backend/sim_listener.hpp>
#include <backend/sim_post.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace cetane::detail {

/// A network in memory: descriptors, listeners, and connections being made.
///
/// Calls that can fail return a negative errno value, the kernel's own for the same case.
class sim_network {
 public:
  sim_network(sim_engine& engine, sim_hosts& hosts) noexcept : engine_(engine), hosts_(hosts) {}
  sim_network(const sim_network&) = delete;
  sim_network& operator=(const sim_network&) = delete;
  ~sim_network();

  sim_post& post() noexcept { return post_; }

  int listen(sim_host& on, const address& at, const listen_request& request, int& descriptor,
             address& bound);
  int accept(int listener, int& descriptor, address& peer);
  int connect(sim_host& on, const address& to, const address* from, int& descriptor);
  int close(int descriptor, bool reset);
  int keep_alive(int descriptor);

  /// Nothing that this host has open says a word any more.
  void cut_power(sim_host& of) noexcept;

  /// Cuts the way from one host to another, perhaps for a time only, or mends it.
  void cut(sim_host& from, sim_host& to, duration how_long);
  void mend(sim_host& from, sim_host& to);
  /// Mends all.
  void mend();

  /// Null for a number that is not open.
  std::shared_ptr<sim_socket> find(int descriptor) const noexcept {
    return descriptors_.find(descriptor);
  }
  /// Null for a number that is not a connection's.
  std::shared_ptr<sim_stream> find_stream(int descriptor) const noexcept;

  std::size_t open_descriptors() const noexcept { return descriptors_.open(); }
  std::size_t open_descriptors(const sim_host& of) const noexcept;

  /// What has been sent on all connections and not been acknowledged; an end counts as one byte.
  std::size_t bytes_in_flight();

  /// The ways of the network have changed: some of the connections that are there may break.
  void draw_breaking();

 private:
  using connection_ptr = std::shared_ptr<sim_connection>;
  using listener_ptr = std::shared_ptr<sim_listener>;

  bool is_own(const address& where, sim_host& on) const noexcept;
  void give_back_address(const sim_socket& socket) noexcept;
  listener_ptr find_listener(const address& to, sim_host& from);
  int take_local_address(sim_stream& client, const address* from);
  void after_latency(std::function<void()> happen);

  template <class Visit>
  void for_each_end(Visit&& visit);

  void begin(const connection_ptr& wanted);
  void knock(const connection_ptr& wanted, unsigned tries);
  std::function<void()> next_knock(const connection_ptr& wanted, unsigned tries);
  void knock_unheard(const connection_ptr& wanted, unsigned tries);
  void answer(const connection_ptr& made, const listener_ptr& listener, unsigned tries);
  void join(const connection_ptr& made, const listener_ptr& listener);
  void refuse(const connection_ptr& wanted, int error);
  int connect_at_once(const connection_ptr& wanted);
  void established(const connection_ptr& made);
  using connection_list = std::vector<std::weak_ptr<sim_connection>>;
  static void forget_ended(connection_list& in);
  static void add(const connection_ptr& one, connection_list& to);

  sim_engine& engine_;
  sim_hosts& hosts_;
  sim_descriptors descriptors_;
  std::vector<listener_ptr> listeners_;  // open ones, oldest first
  std::uint64_t connections_ = 0;
  std::uint64_t cuts_ = 0;
  connection_list established_;  // oldest first
  connection_list begun_;        // these, and those that are to be
  sim_post post_{engine_, descriptors_, hosts_};
};

}  // namespace cetane::detail
