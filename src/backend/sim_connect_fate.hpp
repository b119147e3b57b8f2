#pragma once

#include <backend/sim_engine.hpp>

#include <cetane/base/clock.hpp>

#include <optional>
#include <string>

namespace cetane::detail {

/// What becomes of an attempt to connect, instead of what should.
struct sim_connect_fate {
  int error = 0;        // what the client is told in the end; 0: never anything
  duration after = {};  // and when
};

/// Draws whether something goes wrong with an attempt over TCP.
std::optional<sim_connect_fate> draw_connect_fate(sim_engine& engine, const std::string& client);

}  // namespace cetane::detail
