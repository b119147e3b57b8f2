#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/conc/offloaded_call.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace cetane::detail {

class name_query;
class name_table;

/// What the system says of a name.
struct name_found {
  std::vector<address> addresses;  // their port is 0
  int error = 0;                   // what getaddrinfo() gave instead
  int error_number = 0;            // errno, for EAI_SYSTEM
};

/// Asks the system. Blocks.
name_found look_up_name(const std::string& name) noexcept;

/// The wait of a task for the answer to a question.
class name_wait final : public line_place {
 public:
  using source_type = name_query;

  explicit name_wait(wait_op<name_wait> op) noexcept : query_(op.source()) {}

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept { leave(); }
  void commit() noexcept { leave(); }
  std::string describe_wait() const;

 private:
  name_query& query_;
};

/// One question for the addresses of a name, and all who wait for its answer.
///
/// It is under way on the offload pool, or until a simulated server has taken its time. Nobody can
/// stop the system's resolver once it has begun: when the last who waited has left, a question that
/// still stands in the pool's line is dropped, and one that is being asked goes on by itself. So
/// who asks again joins it, instead of keeping one thread more busy with the same name.
class name_query final : offload_caller, timer {
 public:
  name_query(name_table& names, std::string name) noexcept
      : names_(names), name_(std::move(name)) {}

  /// Asks. It may have its answer when this returns.
  /// @throws error  There is no thread to ask the system on.
  void begin(event_loop& loop);

  const std::string& name() const noexcept { return name_; }
  bool answered() const noexcept { return answered_; }
  const name_found& found() const noexcept { return found_; }

  /// Somebody wants the answer, and does no longer.
  void join() noexcept;
  void leave() noexcept;

  /// Suspends until there is an answer.
  wait_op<name_wait> answer() noexcept { return wait_op<name_wait>(*this); }

  /// Whether nobody waits, and a simulated server would have answered by now.
  bool is_stale(time_point now) const noexcept {
    return askers_ == 0 && simulated_ && !armed() && due_ <= now;
  }

  /// Nobody waits. False: it was dropped.
  bool goes_on_alone() noexcept;

 private:
  friend class name_call;
  friend name_wait;

  void on_answer() noexcept override { settle(); }
  void on_timer() noexcept override { settle(); }
  void settle() noexcept;

  name_table& names_;
  const std::string name_;
  event_loop* loop_ = nullptr;
  name_found found_;
  wait_line line_;
  std::size_t askers_ = 0;
  time_point due_{};  // of a simulated answer
  bool simulated_ = false;
  bool answered_ = false;
};

inline bool name_wait::poll() const noexcept { return granted() || query_.answered(); }

inline void name_wait::arm() noexcept {
  if (query_.answered()) return query_.line_.grant(*this);
  query_.line_.join(*this);
}

}  // namespace cetane::detail
