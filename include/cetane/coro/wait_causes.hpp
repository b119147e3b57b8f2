#pragma once

#include <cetane/base/config.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cetane::detail {

class task_context;

/// Who has to act before a wait can end, as far as the wait knows: what dump_tasks() and
/// await_graph() draw their lines from.
class CETANE_API wait_causes {
 public:
  enum class tie : std::uint8_t {
    holds,  ///< a task has what is waited for
    ends,   ///< a task has to end
    ahead,  ///< a task has its turn before
  };
  struct cause {
    const task_context* who;  // compared only: the task may have ended meanwhile
    tie how;
    std::string what;  // that `who` holds: "mutex"
    bool certain;      // the wait does not end before
  };

  /// `holder` has `what`, or had it last.
  void held_by(const task_context* holder, std::string what) {
    causes_.push_back({holder, tie::holds, std::move(what), certain_});
  }
  /// The wait ends when `task` has ended.
  void end_of(const task_context& task) { causes_.push_back({&task, tie::ends, {}, certain_}); }
  /// `task` stands before it in a line where nobody overtakes.
  void behind(const task_context& task) { causes_.push_back({&task, tie::ahead, {}, certain_}); }
  /// Says what has not happened: "nobody has set it".
  void missing(std::string words) { missing_ = std::move(words); }

  /// What is told from here on is one way of several to end the wait.
  void one_of_several() noexcept { certain_ = false; }

  const std::vector<cause>& causes() const noexcept { return causes_; }
  const std::string& missing() const noexcept { return missing_; }

 private:
  std::vector<cause> causes_;
  std::string missing_;
  bool certain_ = true;
};

}  // namespace cetane::detail
