#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cetane::testing {

class world;

/// Notes what the first failed assertion of a run finds: who waits for whom, before the tasks that
/// it ends are gone. One lives at a time.
class run_watch {
 public:
  run_watch();
  run_watch(const run_watch&) = delete;
  run_watch& operator=(const run_watch&) = delete;
  ~run_watch();

  /// Whether an assertion has failed since.
  bool failed() const noexcept;

  /// "who waited for whom" as the first one has found it; empty if none has failed, or no loop ran.
  const std::string& graph() const noexcept { return graph_; }

  /// Called by the reporter.
  static void assertion_failed() noexcept;

 private:
  std::string graph_;
  bool failed_ = false;
};

/// "seed 17 failed; to repeat it alone: CETANE_SEED=17 program 'name of the test'"
std::string how_to_repeat(std::uint64_t seed);

/// Says on stderr, on lines of their own that no reporter breaks: `headline`, what happened on the
/// network last, and who waited for whom.
///
/// CETANE_LOG_LINES says how many lines of the network's log there are: 20.
void tell_failure(world& w, const run_watch& watch, std::string_view headline);

}  // namespace cetane::testing
