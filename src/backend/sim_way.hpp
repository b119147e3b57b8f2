#pragma once

#include <backend/sim_engine.hpp>

#include <cetane/base/clock.hpp>

#include <deque>
#include <functional>
#include <utility>

namespace cetane::detail {

class sim_stream;

/// Gets what leaves one end of a connection to the other, also when that cannot be reached: because
/// the way is cut, or the other machine is down.
///
/// TCP sends again then, after 200 ms, 400 ms and so on up to 120 s, and gives up with ETIMEDOUT
/// after the fifteenth time. What comes behind waits behind, so that nothing overtakes. A machine
/// that has started anew knows the connection no more, and answers with a reset.
class sim_way {
 public:
  sim_way(sim_engine& engine, sim_stream& from) noexcept : engine_(engine), from_(from) {}

  /// Something that left is about to arrive. `insists`: it is to be acknowledged.
  void pass(bool insists, std::function<void(sim_stream&)> arrive);

  /// The way may be open again: what nobody would send again by itself goes now.
  void try_again_if_parked();

  /// The peer cannot be reached any more: the sender, if it cares, asks every now and then whether
  /// it is there, as TCP's keep-alive does.
  void begin_to_ask();

  /// The sender's machine has no power: it sends nothing again.
  void forget() noexcept { held_.clear(); }

 private:
  struct piece {
    bool insists;
    std::function<void(sim_stream&)> arrive;
  };

  bool open() const noexcept;
  bool is_heard() const noexcept;
  void hand_over(const piece& one);
  void try_later();
  void try_again();
  void give_up();
  bool insists() const noexcept;
  void ask_later(duration when);
  void ask();

  sim_engine& engine_;
  sim_stream& from_;
  std::deque<piece> held_;
  unsigned tries_ = 0;
  time_point give_up_at_{};
  bool parked_ = false;   // nothing insists, and it was tried often enough
  unsigned unheard_ = 0;  // questions without an answer
  bool is_asking_ = false;
};

}  // namespace cetane::detail
