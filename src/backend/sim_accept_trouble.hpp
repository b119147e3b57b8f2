#pragma once

#include <backend/sim_grace.hpp>

#include <cetane/base/clock.hpp>

#include <optional>

namespace cetane::detail {

/// Why a listener cannot accept although somebody waits.
class sim_accept_trouble {
 public:
  /// 0, or a negative errno value: -EAGAIN, with a call to `come_back` a little later; -EINTR;
  /// -ECONNABORTED for the first client that waits; or a shortage, which lasts.
  int meet(sim_engine& engine, const address& where, std::function<void()> come_back);

 private:
  int meet_storm(sim_engine& engine, const address& where, std::function<void()> come_back);
  int meet_failure(sim_engine& engine, const address& where);

  sim_grace storms_;
  sim_grace failures_;
  int shortage_ = 0;
  time_point ends_{};
};

}  // namespace cetane::detail
