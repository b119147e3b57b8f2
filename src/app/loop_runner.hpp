#pragma once

#include <app/connection_runner.hpp>

#include <cetane/runtime/loop_ref.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace cetane::detail {

class loop_runner;
class service_core;

/// Where a service has a twin.
struct loop_place {
  loop_ref loop;
  service_core* twin;
};

/// From a twin back to the loop that accepts.
class loop_runner_line {
 public:
  /// What the twins of a service share. The runner belongs to the loop that accepts, and only that
  /// looks at it.
  struct end {
    const loop_ref loop;
    loop_runner* runner;  // null when that has ended
  };

  loop_runner_line(std::shared_ptr<end> to, std::size_t place) noexcept
      : to_(std::move(to)), place_(place) {}

  /// Tells how many of the connections that were handed over are over.
  void settled(std::uint64_t count) noexcept;

 private:
  std::shared_ptr<end> to_;
  std::size_t place_;
};

/// Divides a service's connections among its own loop and others: the one with the fewest has the
/// next. The limit of connections, and when the listener rests, are the service's own, since what
/// is served elsewhere counts there.
std::unique_ptr<connection_runner> make_loop_runner(service_core& of,
                                                    const std::vector<loop_place>& others);

}  // namespace cetane::detail
