#pragma once

#include <backend/sim_breaking.hpp>
#include <backend/sim_stream.hpp>

#include <cstdint>
#include <memory>

namespace cetane::detail {

/// Both ends of a simulated connection. It lives as long as somebody has an end, or something is
/// still under way between them.
class sim_connection : public std::enable_shared_from_this<sim_connection> {
 public:
  sim_connection(sim_engine& engine, std::uint64_t its_number) noexcept
      : number(its_number),
        breaking(engine, *this),
        client_(engine, *this, true),
        server_(engine, *this, false) {}

  std::shared_ptr<sim_stream> client() { return {shared_from_this(), &client_}; }
  std::shared_ptr<sim_stream> server() { return {shared_from_this(), &server_}; }

  const std::uint64_t number;  // its name in the log
  sim_breaking breaking;

 private:
  sim_stream client_;
  sim_stream server_;
};

}  // namespace cetane::detail
