#include <cetane/testing/world.hpp>

#include <runtime/await_graph.hpp>
#include <runtime/backend.hpp>
#include <testing/in_seconds.hpp>
#include <testing/machine.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_names.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/testing/allocation_failure.hpp>
#include <cetane/testing/interrupter.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace cetane::testing {
namespace {

// A text without its lines that have `words` in them.
std::string without(std::string text, std::string_view words) {
  for (std::size_t at = text.find(words); at != text.npos; at = text.find(words)) {
    const std::size_t begin = text.rfind('\n', at) + 1;  // npos + 1 is 0
    text.erase(begin, text.find('\n', at) + 1 - begin);
  }
  return text;
}

}  // namespace

world::world(std::uint64_t seed)
    : seed_(seed),
      random_(random_stream(seed).fork("test")),
      partitions_(random_stream(seed).fork("partitions")),
      loop_(make_sim_backend(sim_options(seed))),
      begin_(loop_.now()) {}

world::~world() = default;

void world::faults_are(const faults& wanted) {
  healed_at_.reset();
  for (const fault_kind kind : kinds_of(wanted)) {
    if (std::find(told_.begin(), told_.end(), kind) == told_.end()) told_.push_back(kind);
  }
  simulation::of(loop_).behave_as(filter_.applied_to(wanted).ways());
}

void world::heal() {
  simulation::of(loop_).calls_take(duration::zero(), duration::zero());
  simulation::of(loop_).names().heal();
  simulation::of(loop_).mend();
  faults_are(faults::none());
  healed_at_ = loop_.now();
}

served world::serve(service fresh) {
  fresh.start(loop_);
  return served(std::move(fresh));
}

testing::host& world::host(const std::string& name) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const auto& each) { return each->name() == name; });
  if (found != hosts_.end()) return **found;
  hosts_.push_back(std::make_unique<testing::host>(simulation::of(loop_), name));
  return *hosts_.back();
}

duration world::elapsed() noexcept { return loop_.now() - begin_; }

std::size_t world::open_connections() const noexcept {
  const loop_stats stats = stats_of_all();
  return stats.connections_opened - stats.connections_closed - others_connections_;
}

std::uint64_t world::faults_met() { return simulation::of(loop_).faults_met(); }

std::uint64_t world::faults_met(fault_kind kind) { return simulation::of(loop_).faults_met(kind); }

std::uint64_t world::io_operations() { return simulation::of(loop_).io_operations(); }

// What of it is the same in all loops, and matters here.
loop_stats world::stats_of_all() const noexcept {
  loop_stats sum = loop_.stats();
  for (const auto& each : hosts_) {
    const event_loop* const loop = each->machine_->loop_if_up();
    if (loop == nullptr) continue;
    const loop_stats more = loop->stats();
    sum.tasks_alive += more.tasks_alive;
    sum.bytes_queued += more.bytes_queued;
    sum.bytes_sent += more.bytes_sent;
    sum.bytes_dropped += more.bytes_dropped;
    sum.connections_opened += more.connections_opened;
    sum.connections_closed += more.connections_closed;
  }
  return sum;
}

std::uint64_t world::errors_unhandled() const noexcept {
  std::uint64_t sum = loop_.stats().errors_unhandled;
  for (const auto& each : hosts_) sum += each->machine_->errors_unhandled();
  return sum;
}

std::string world::dump_tasks() {
  std::string text = loop_.dump_tasks();
  for (const auto& each : hosts_) {
    if (each->up()) text += each->machine_->dump_tasks();
  }
  return text;
}

std::string world::await_graph(std::size_t most_lines) {
  std::vector<event_loop*> loops{&loop_};
  for (const auto& each : hosts_) {
    if (each->up()) loops.push_back(&each->loop());
  }
  return detail::await_graph_of(loops, most_lines);
}

std::string world::log_tail(std::size_t lines) { return simulation::of(loop_).log_tail(lines); }

std::uint64_t world::trace_hash() { return simulation::of(loop_).trace_hash(); }

void world::run(const std::function<task<>(world&)>& body) {
  auto test = detail::spawn_in(loop_, loop_.scope(), body, std::ref(*this));
  test.label("the test itself");
  body_runs_ = true;
  loop_.run_until([&] {
    if (!test.done()) check_limits();
    return test.done();
  });
  body_runs_ = false;
  detail::take_result(test);
  check_healing();
  wait_for_the_rest();
  check_unhandled();
}

bool world::run_cut_short(const std::function<task<>(world&)>& body, std::size_t moment,
                          std::string& waited) {
  auto test = detail::spawn_in(loop_, loop_.scope(), body, std::ref(*this));
  test.label("the test itself");
  interrupter by(loop_, test, moment);
  by.before_cancel([&] { waited = without(await_graph(), interrupter::name); });
  const bool cut_short = by.run([&] {
    check_limits();
    check_healing();
  });
  try {
    detail::take_result(test);
  } catch (const cancelled&) {
    if (!cut_short) throw;
  }
  wait_for_the_rest();
  check_unhandled(cut_short);
  return cut_short;
}

void world::leave_out_what_is_there() noexcept {
  others_tasks_ = stats_of_all().tasks_alive;
  others_connections_ += open_connections();
}

std::uint64_t world::run_without_memory(const std::function<task<>(world&)>& body,
                                        std::uint64_t failing) {
  allocation_failure failure(failing);
  std::exception_ptr error;
  try {
    auto test = detail::spawn_in(loop_, loop_.scope(), body, std::ref(*this));
    test.label("the test itself");
    loop_.run_until([&] {
      if (!test.done()) check_limits();
      check_healing();
      return test.done();
    });
    detail::take_result(test);
  } catch (const unfinished&) {
    throw;
  } catch (const std::bad_alloc&) {
    error = std::current_exception();
  } catch (const std::system_error&) {
    error = std::current_exception();
  }
  wait_for_the_rest();
  if (error && !failure.happened()) std::rethrow_exception(error);
  return failure.seen();
}

void world::check_limits() {
  check_healing();
  if (elapsed() > time_limit_) {
    throw unfinished(
        fmt::format("the test has not ended after {} s of virtual time (the limit is "
                    "{} s, see world::time_limit); there are {}",
                    in_seconds(elapsed()), in_seconds(time_limit_), dump_tasks()));
  }
  if (loop_.stats().passes > pass_limit_) {
    throw unfinished(
        fmt::format("the test has not ended after {} passes of the event loop (see "
                    "world::pass_limit), {} s of virtual time; there are {}",
                    pass_limit_, in_seconds(elapsed()), dump_tasks()));
  }
}

// Also at the end of the body, which may have come too late, without a pass before it.
void world::check_healing() {
  if (!healed_at_ || loop_.now() <= deadline_after(*healed_at_, heal_limit_)) return;
  throw unfinished(
      fmt::format("the test has not ended {} s after the network became a good one (see "
                  "world::heal_limit); there are {}",
                  in_seconds(heal_limit_), dump_tasks()));
}

void world::wait_for_the_rest() {
  const auto anything_left = [&] {
    return stats_of_all().tasks_alive > others_tasks_ || open_connections() > 0;
  };
  const time_point last = deadline_after(loop_.now(), settling_time);
  const std::uint64_t last_pass = loop_.stats().passes + pass_limit_;
  while (anything_left() && loop_.now() < last && loop_.stats().passes < last_pass) {
    loop_.run_once(last);
  }
  if (!anything_left()) return;
  throw unfinished(
      fmt::format("the test has ended and left something behind that does not end by "
                  "itself: {} open ends of connections, and {}",
                  open_connections(), dump_tasks()));
}

// Of a test that was cut short those that were expected may not have come.
void world::check_unhandled(bool cut_short) {
  const std::uint64_t found = errors_unhandled();
  if (found == unhandled_expected_ || (cut_short && found < unhandled_expected_)) return;
  throw unfinished(
      fmt::format("{} exceptions have ended handlers or other tasks that nobody "
                  "awaits, see the log for each; expected were {} (see "
                  "world::expect_unhandled)",
                  found, unhandled_expected_));
}

unfinished::~unfinished() = default;

}  // namespace cetane::testing
