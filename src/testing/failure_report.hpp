#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cetane::testing {

class world;

/// In which way a run failed, to be compared with another run: the place of the first assertion, or
/// what ended it without its numbers. Empty for one that did not fail.
using failure_kind = std::string;

/// Notes what the first failed assertion of a run finds: which one it is, and who waits for whom
/// before the tasks that it ends are gone. One lives at a time.
class run_watch {
 public:
  run_watch();
  run_watch(const run_watch&) = delete;
  run_watch& operator=(const run_watch&) = delete;
  ~run_watch();

  /// The world that is watched; this does not outlive it.
  void look_at(world& w) noexcept { world_ = &w; }

  /// Whether an assertion has failed.
  bool failed() const noexcept { return failed_; }
  failure_kind kind() const { return kind_; }
  /// In a catch block: that of the assertion if one has failed, else of what was thrown.
  failure_kind kind_of_current_exception() const;

  /// Who waited for whom when the first one failed; empty if none has.
  const std::string& graph() const noexcept { return graph_; }

  /// Called by the reporter.
  static void assertion_failed(const char* file, std::size_t line) noexcept;

 private:
  world* world_ = nullptr;
  failure_kind kind_;
  std::string graph_;
  bool failed_ = false;
};

/// "seed 17 failed; to repeat it alone: CETANE_SEED=17 program 'name of the test'"
std::string how_to_repeat(std::uint64_t seed);

/// What to type to run a seed alone, with these faults (as fault_filter writes them) if it says
/// any.
std::string command_line(std::uint64_t seed, std::string_view faults = {});

/// Says on stderr, on lines of their own that no reporter breaks: `headline`, what happened on the
/// network last, and who waited for whom.
///
/// CETANE_LOG_LINES says how many lines of the network's log there are: 20.
void tell_failure(world& w, const run_watch& watch, std::string_view headline);

}  // namespace cetane::testing
