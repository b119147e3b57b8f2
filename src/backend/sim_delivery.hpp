#pragma once

#include <backend/sim_engine.hpp>
#include <backend/sim_host.hpp>
#include <backend/sim_network.hpp>
#include <backend/slot_table.hpp>
#include <runtime/backend.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace cetane::detail {

/// Tells the objects that watch the simulated sockets of a host what has happened to these, and
/// gives streams their input.
class sim_delivery {
 public:
  sim_delivery(sim_engine& engine, sim_network& network, sim_host& host) noexcept
      : engine_(engine), network_(network), host_(host) {}

  int watch(io_object& object);
  void unwatch(io_object& object) noexcept;
  void set_reading(stream_io& stream, bool on) noexcept;

  /// How a watched object is found again; null when it is watched no more.
  std::uint64_t tag_of(const io_object& object) const noexcept { return slots_.tag(object.slot); }
  io_object* find(std::uint64_t tag) const noexcept { return slots_.find(tag); }

  /// True when there is something to tell.
  bool pending() const noexcept { return host_.any_marked() || !unread_.empty(); }

  /// Calls the owners of all marked sockets, then gives one more read to each stream that had more
  /// than one read took.
  void deliver(event_loop& loop);

 private:
  struct happening {
    std::shared_ptr<sim_socket> socket;
    std::uint64_t tag;
    unsigned conditions;
  };

  void collect();
  void shuffle();
  void startle(const std::shared_ptr<sim_socket>& socket);
  void call(event_loop& loop, const happening& what) noexcept;
  void call_stream(event_loop& loop, stream_io& stream, const happening& what) noexcept;
  static void call_datagram(datagram_io& object, unsigned conditions) noexcept;
  void read(event_loop& loop, stream_io& stream) noexcept;
  void note_unread(stream_io& stream) noexcept;
  void read_leftovers(event_loop& loop) noexcept;

  sim_engine& engine_;
  sim_network& network_;
  sim_host& host_;
  slot_table slots_;
  std::vector<happening> batch_;
  std::vector<std::uint64_t> unread_;  // tags
};

}  // namespace cetane::detail
