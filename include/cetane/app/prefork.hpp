#pragma once

#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>

#include <cstddef>
#include <cstdint>

namespace cetane {

/// How an application serves in several processes: see application::prefork().
struct prefork_options {
  std::size_t processes = 0;       ///< 0: as many as there are cores
  std::uint64_t max_requests = 0;  ///< a worker serves so many connections, then another one
                                   ///< takes its place; 0: no limit
};

/// Serves in several processes, from the command line's options and signals to an orderly stop:
/// `return cetane::run_prefork(argc, argv, cetane::service(echo, 8013), {.processes = 4});`
///
/// The short form of an application with prefork() and one service.
/// @return What application::run() returns.
CETANE_API int run_prefork(int argc, char** argv, service what,
                           const prefork_options& options = {});

}  // namespace cetane
