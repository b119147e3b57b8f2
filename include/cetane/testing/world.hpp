#pragma once

#include <cetane/app/service.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/random.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/testing/advance.hpp>
#include <cetane/testing/fault_filter.hpp>
#include <cetane/testing/faults.hpp>
#include <cetane/testing/host.hpp>
#include <cetane/testing/quiet.hpp>
#include <cetane/testing/served.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace cetane::testing {

class world;

CETANE_API std::size_t cancel_everywhere(const std::function<task<>(world&)>& scenario);
CETANE_API std::uint64_t fail_allocations(const std::function<task<>(world&)>& scenario);

/// Where one run of a test happens: a clock, a network and random numbers, all of them from one
/// seed. simulate() makes it.
///
/// While it has no hosts, every host name is this world's only machine, so `connect("chat",
/// server.port())` reaches what was served. The body itself is on a machine without a name.
class CETANE_API world {
 public:
  static constexpr duration default_time_limit = std::chrono::hours(24);
  static constexpr duration default_heal_limit = std::chrono::seconds(5);
  static constexpr std::uint64_t default_pass_limit = 2'000'000;
  /// How long tasks and connections may take to end once the body has.
  static constexpr duration settling_time = std::chrono::seconds(15);

  explicit world(std::uint64_t seed);
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  /// Gives the network other ways from now on.
  void faults_are(const faults& wanted);
  /// Lets only some of the faults strike that faults_are() is told from now on, to narrow a failure
  /// down. CETANE_FAULTS does the same for each world of simulate().
  void filter_faults(const fault_filter& wanted) { filter_ = wanted; }
  /// The kinds of faults that faults_are() was told so far.
  [[nodiscard]] const std::vector<fault_kind>& faults_told() const noexcept { return told_; }
  /// From now on the network is a good one, and what is on its way arrives at once. What is lost
  /// stays so: a connect that met no answer ends by its own limit.
  ///
  /// The body must then end within heal_limit().
  void heal();

  /// Starts a service. Give it port 0, and take the port from the result; it ends with that, so
  /// keep it: `const auto& server = w.serve(service(chat, 0, std::ref(lobby)));`.
  ///
  /// @throws error  The port is served already.
  [[nodiscard("the service ends with this object: const auto& server = w.serve(...)")]] served
  serve(service fresh);

  /// Gives the host of this name; the first call makes it. From the first host on, a name that no
  /// host has does not resolve, and an address that none has cannot be reached.
  ///
  /// @throws std::invalid_argument  It is no name for a host: empty, an address, or localhost.
  testing::host& host(const std::string& name);

  /// Cuts the network between two hosts, or between one and all that there are: nothing gets
  /// through, in both directions, until reconnect() or heal().
  ///
  /// Connections stay. What is sent is sent again after 200 ms, 400 ms and so on, as TCP does, and
  /// arrives when it gets through; connects try again after 1, 3, 7, ... s. Who hears nothing of
  /// its peer for two minutes, or of what it sent for a quarter of an hour, gives up. Datagrams are
  /// lost, those included that are on their way.
  void partition(testing::host& one, testing::host& other);
  void partition(testing::host& from_all);
  /// The same, and it heals by itself, after a time between these.
  void partition(testing::host& one, testing::host& other, any_duration shortest,
                 any_duration longest);
  /// Cuts one direction only: `to` hears nothing of `from`.
  void partition_one_way(testing::host& from, testing::host& to);
  /// Ends all partitions between two hosts, or around one.
  void reconnect(testing::host& one, testing::host& other);
  void reconnect(testing::host& with_all);

  /// How long a call of thread() takes in virtual time, drawn for each that begins from now on: no
  /// time by default. It is really made, and time waits for it; its result comes when it is due.
  void blocking_calls_take(any_duration shortest, any_duration longest);

  /// How long the answer to a question for a name takes, drawn for each: none by default. A host
  /// remembers what it was told for 60 s.
  void names_take(any_duration shortest, any_duration longest);
  /// How many questions for names fail for the moment, from 0 to 1: EAI_AGAIN.
  void names_fail(double share);
  /// Lets every question for this name fail for the moment, until heal().
  void names_fail(const std::string& name);
  /// Gives a name these addresses, tried in this order; a host's keeps its own otherwise. None:
  /// nobody has the name. From the first on, a name that nobody has does not resolve.
  ///
  /// @throws std::invalid_argument  One of them is no IP address.
  void name_is(const std::string& name, const std::vector<std::string>& ips);

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  /// Random numbers for the test itself; the network draws others.
  [[nodiscard]] random_stream& random() noexcept { return random_; }
  /// The event loop that everything of this world runs on.
  [[nodiscard]] event_loop& loop() noexcept { return loop_; }
  /// The virtual time since the test began.
  [[nodiscard]] duration elapsed() noexcept;

  /// Who waits for whom, on all hosts: see event_loop::await_graph().
  [[nodiscard]] std::string await_graph(std::size_t most_lines = 30);

  /// How many faults have struck, of all kinds or of one. Latency alone is none.
  [[nodiscard]] std::uint64_t faults_met();
  [[nodiscard]] std::uint64_t faults_met(fault_kind kind);
  /// How many calls have made or accepted a connection, or have moved bytes.
  [[nodiscard]] std::uint64_t io_operations();

  /// The ends of connections that are open, those included that only flush their output. A
  /// connection within the world has two.
  [[nodiscard]] std::size_t open_connections() const noexcept;

  /// Lets all that happens in the next `span` happen, and goes on then.
  ///
  /// Unlike sleep(), it goes on as the last at that time: everything that is ready then has had its
  /// turn, on all hosts, what arrives then has arrived, and so on until only the clock can change
  /// anything. With zero it waits for no more than that. Tasks that yield for ever keep it waiting.
  advance_op advance(any_duration span);

  /// Whether nothing but the clock can change anything: no other task is ready, nothing is on its
  /// way between hosts, and no call runs on another thread. `REQUIRE(w.quiet())` says what is.
  [[nodiscard]] quietness quiet();

  /// Tasks that live, besides the body's own.
  [[nodiscard]] std::size_t live_tasks() const noexcept;
  /// Listeners, connections and sockets for datagrams that somebody has open, connects under way
  /// included.
  [[nodiscard]] std::size_t open_descriptors();
  /// Bytes that were given to `send` and that the peer's system has not acknowledged; the end of a
  /// connection counts as one. Those of a datagram count until it has left.
  [[nodiscard]] std::size_t bytes_in_flight();

  /// What happened on the network last, oldest first, each line with its virtual time in seconds.
  [[nodiscard]] std::string log_tail(std::size_t lines = 100);
  /// A number that stands for all that happened on it, and for the turns that tasks had: two runs
  /// that differ have different ones.
  [[nodiscard]] std::uint64_t trace_hash();

  /// How much virtual time the body may take, from the beginning: 24 h.
  void time_limit(any_duration most) noexcept { time_limit_ = most; }
  /// How much virtual time the body may take once the network is a good one again: 5 s.
  void heal_limit(any_duration most) noexcept { heal_limit_ = most; }
  /// How many passes of the event loop it may take, so that tasks are found out that keep the loop
  /// busy while no time passes: 2,000,000.
  void pass_limit(std::uint64_t most) noexcept { pass_limit_ = most; }

  /// How many handlers and other tasks the test lets fail: their exceptions are only logged, since
  /// nobody awaits them, and more or fewer than these fail the test.
  void expect_unhandled(std::uint64_t count) noexcept { unhandled_expected_ = count; }

  /// Runs the body to its end and sees to it that nothing is left; what it throws is thrown here.
  ///
  /// For use without simulate(). Not from within a task.
  /// @throws unfinished        It came to a limit, left something behind, or a handler failed.
  /// @throws simulation_stuck  Nothing can ever wake it.
  void run(const std::function<task<>(world&)>& body);

 private:
  loop_stats stats_of_all() const noexcept;
  std::uint64_t errors_unhandled() const noexcept;
  std::string dump_tasks();
  void set_apart(testing::host& one, testing::host& other, duration how_long);
  friend std::size_t cancel_everywhere(const std::function<task<>(world&)>& scenario);
  friend std::uint64_t fail_allocations(const std::function<task<>(world&)>& scenario);

  // False if it ended before. `waited` gets who waited for whom at that moment.
  bool run_cut_short(const std::function<task<>(world&)>& body, std::size_t moment,
                     std::string& waited);
  // Runs the body while allocation number `failing` fails, and gives how many there were.
  std::uint64_t run_without_memory(const std::function<task<>(world&)>& body,
                                   std::uint64_t failing);
  // What is there now belongs to who watches the test, and is none of what it leaves behind.
  void leave_out_what_is_there() noexcept;
  void check_limits();
  void check_healing();
  void wait_for_the_rest();
  void check_unhandled(bool cut_short = false);

  std::uint64_t seed_;
  random_stream random_;
  random_stream partitions_;
  event_loop loop_;
  std::vector<std::unique_ptr<testing::host>> hosts_;  // in the order of their making
  time_point begin_;
  std::size_t others_tasks_ = 0;
  std::size_t others_connections_ = 0;
  fault_filter filter_;
  std::vector<fault_kind> told_;
  duration time_limit_ = default_time_limit;
  duration heal_limit_ = default_heal_limit;
  std::optional<time_point> healed_at_;
  std::uint64_t pass_limit_ = default_pass_limit;
  std::uint64_t unhandled_expected_ = 0;
  bool body_runs_ = false;
};

/// A test came to a limit of its world, left something behind, or a task failed that nobody awaits:
/// what() says which, and names the tasks that are left with what they wait for.
class CETANE_API unfinished : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~unfinished() override;
};

}  // namespace cetane::testing
