#pragma once

#include <support/cancel_everywhere.hpp>
#include <support/expect.hpp>
#include <support/stage.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/testing/allocation_failure.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace cetane::test {

/// Two who talk on the same loop while something else fails: they must not notice.
class bystanders {
 public:
  explicit bystanders(stage& on) : stage_(on), pair_(std::in_place, on.loop) {
    answering_ = on.loop.spawn([this]() -> task<> {
      while (const auto line = co_await pair_->there.next_line()) {
        co_await pair_->there.send(*line, "\n");
      }
    });
    settle(on.loop);
  }

  /// They still talk, and leave.
  void check_alive() {
    const std::string answer = stage_.loop.run([this]() -> task<std::string> {
      co_await pair_->here.send("are you there?\n");
      std::string line = co_await pair_->here.until_eol();
      pair_->here.close();
      co_return line;
    });
    CHECK(answer == "are you there?\n");
    run_until(stage_.loop, [this] { return answering_.done(); });
    pair_.reset();
  }

 private:
  stage& stage_;
  std::optional<connected_pair> pair_;
  join_handle<> answering_;
};

/// Whether an error is one that a lack of memory may cause: bad_alloc, or what the others see of
/// that.
inline bool may_come_of_no_memory(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const std::system_error&) {
    return true;
  } catch (const cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// Runs the loop until `holds()`, and allocates nothing itself; false where that does not come true
/// within `most` of its time.
template <class Predicate>
bool run_for_a_while(event_loop& loop, duration most, Predicate holds) {
  class time_limit final : public detail::timer {
   public:
    bool passed = false;

   private:
    void on_timer() noexcept override { passed = true; }
  };
  time_limit limit;
  loop.arm(limit, deadline_after(loop.now(), most));
  const auto over = [&] { return limit.passed || holds(); };
  loop.run_until(std::cref(over));
  return !limit.passed;
}

/// Plays `scenario(stage&)` again and again, and lets another allocation of it fail each time, from
/// the first to the last. The scenario ends, by an error or not; no task, timer, frame or
/// descriptor is left; who else is on the loop does not notice.
///
/// Gives how many allocations there were. A scenario that is no coroutine runs the loop itself. The
/// scenario contains no assertions, which allocate.
template <class Scenario>
std::uint64_t fail_everywhere(Scenario scenario) {
  using namespace std::chrono_literals;
  constexpr std::uint64_t most = 5000;
  log::set_sink([](auto, auto, auto) {});  // it tells of each what has ended by it
  const scope_exit say_again([] { log::set_sink({}); });
  std::optional<std::size_t> descriptors;
  for (std::uint64_t number = 0; number < most; ++number) {  // the first time nothing fails
    INFO("allocation " << number << " has failed");
    std::uint64_t seen = 0;
    {
      stage on;
      event_loop& loop = on.loop;
      bystanders others(on);
      std::exception_ptr error;
      bool over = true;
      {
        const std::size_t tasks = loop.stats().tasks_alive;
        testing::allocation_failure failure(number);
        try {
          if constexpr (std::is_void_v<std::invoke_result_t<Scenario&, stage&>>) {
            scenario(on);
          } else {
            auto playing = on.loop.spawn(scenario, std::ref(on));
            over = run_for_a_while(loop, 20s, [&] { return playing.done(); });
            if (over) detail::take_result(playing);
          }
        } catch (...) {
          error = std::current_exception();
        }
        on.pair.reset();
        // A second to read what comes after the end; not as long as a peer may keep us waiting.
        over = over && run_for_a_while(loop, 5s, [&] {
                 return loop.stats().tasks_alive == tasks && loop.orphans().empty();
               });
        seen = failure.seen();
      }
      INFO(loop.dump_tasks());
      REQUIRE(over);
      if (error && !(number > 0 && may_come_of_no_memory(error))) std::rethrow_exception(error);
      REQUIRE(on.alive == 0);
      others.check_alive();
      run_until(loop, [&] { return loop.orphans().empty(); });  // all connections are closed
      check_nothing_left(on.loop);
    }
    if (!descriptors) descriptors = descriptors_of_process();
    REQUIRE(descriptors_of_process() <= *descriptors);
    if (number > 0 && seen < number) return seen;
  }
  FAIL("the scenario has not ended after " << most << " allocations");
  return most;
}

}  // namespace cetane::test
