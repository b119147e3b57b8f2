#pragma once

#include <app/command_line.hpp>
#include <app/hot_restart.hpp>
#include <app/loop_worker.hpp>
#include <app/master_link.hpp>
#include <app/prefork_master.hpp>
#include <app/service_base.hpp>
#include <app/signal_source.hpp>
#include <app/standard_options.hpp>
#include <app/stop_sequence.hpp>
#include <app/watchdog.hpp>
#include <os/service_manager.hpp>

#include <cetane/app/prefork.hpp>
#include <cetane/app/service.hpp>
#include <cetane/app/task_entry.hpp>
#include <cetane/backend/make_backend.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cetane::detail {

class named_topics;

/// What a shell shows for a program that a signal has ended.
constexpr int status_of_signal(int number) noexcept { return 128 + number; }

/// What an application is made of: services and tasks around an event loop, from the first option
/// to the exit status.
///
/// In several processes, the one that the user has started opens the listeners and is their master;
/// each worker goes the rest of the way: a loop, services on the shared listeners, tasks.
///
/// On several loops, the one on the thread of the application is the first; each other one has a
/// core of its own, with twins of the services, which does what that of the first tells it.
class application_core final : prefork_duty {
 public:
  /// `loop` is one that somebody else owns, for tests; null: the application makes its own.
  application_core(command_line line, event_loop* loop);
  ~application_core();

  command_line& line() noexcept { return line_; }
  void set_drain(duration span) noexcept { drain_ = span; }
  void set_backend(backend_choice choice) noexcept { backend_ = choice; }
  void want_signals() noexcept { wants_signals_ = true; }
  void set_prefork(const prefork_options& wanted) noexcept { prefork_ = wanted; }
  void set_restart_limit(duration span) noexcept { restart_limit_ = span; }
  void keep_in_one_process(std::string why) { one_process_ = std::move(why); }
  void set_workers(std::size_t count);
  void keep_on_one_loop(std::string why) { one_loop_ = std::move(why); }
  /// Runs for the sake of one task: nothing is said of connections and the end of the task, which
  /// `ended` tells, is a stop.
  void run_for(std::function<bool()> ended) { main_ended_ = std::move(ended); }

  service& add_service(service added, service_base& core);
  task_entry& add_task(std::unique_ptr<unstarted_task> task);
  void on_stop(std::function<void()> call) { on_stop_.push_back(std::move(call)); }
  void stop() noexcept;

  int run();

  // On a loop beside the first one: see loop_worker.

  /// Runs to the end, on the thread of that loop; calls `begun` when it serves. False when it
  /// failed after that; throws why it does not start.
  bool run_beside(const std::function<void(const loop_ref&)>& begun);
  void stop_beside(bool makes_way) noexcept;
  void cancel_idle_beside() noexcept;
  void hurry_beside() noexcept { stop_wanted_ = hurried_ = true; }
  void show_beside() const noexcept { show_tasks(); }
  void add_beside(std::unique_ptr<task_entry> entry);

  // In turns, on a loop that somebody else runs: see application_turns.
  void begin();
  bool wants_turn() const noexcept { return unstarted_ || (stop_wanted_ && !stop_); }
  /// False when it has ended.
  bool take_turn(const std::function<void()>& turn);
  void end_now() noexcept;

  event_loop& loop() noexcept { return *loop_; }
  /// The signal that asked for the stop, or 0.
  int stop_signal() const noexcept { return stop_signal_; }

  /// The names that tasks wait for.
  const std::shared_ptr<named_topics>& topics() const noexcept { return topics_; }
  /// Whether it handles signals itself, now.
  bool handles_signals() const noexcept { return signals_.has_value(); }

  /// Whether who has started it may give it sockets, and may want to hear of it.
  bool serves_others() const noexcept { return wants_signals_ && !main_ended_; }

  static application_core* current() noexcept;

  /// Makes an application that of this thread as long as it lives.
  class presence {
   public:
    explicit presence(application_core& here) noexcept;
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence();

   private:
    application_core* around_;
  };

 private:
  void run_only_once();
  int run_here(const std::function<int()>& run);
  int run_if_asked_to();
  int serve();
  void settle_processes();
  void settle_workers();
  std::string why_one_loop() const;
  void start_workers();
  void start_worker(unsigned number, std::vector<std::vector<loop_place>>& places);
  void spread_tasks();
  void on_worker_end(const loop_worker& worker);
  bool workers_ended() const noexcept;
  void ask_first_loop_to_stop() noexcept;
  void end_workers() noexcept;
  int run_workers();
  duration longest_stop() const;
  int work(unique_fd link) override;
  void on_serving() override;
  void on_stopping() override;
  std::unique_ptr<successor> start_successor() override;
  void on_successor(const successor& one, successor::state now) override;
  std::optional<int> answer_at_once();
  void make_loop();
  void start();
  void settle_place(std::size_t index);
  void settle_named_port(std::size_t index);
  void meet_outside();
  void say_ready();
  void begin_restart();
  void end_restart(const successor& one, successor::state now);
  void start_service(std::size_t index);
  void start_late_service();
  void say_where(const service_base& core) const;
  void start_tasks();
  void drop_ended_tasks();
  void handle_signals();
  void on_signal(int number);
  void show_tasks() const noexcept;
  void show_tasks_elsewhere() const noexcept;
  std::string tasks_heading() const;
  program_defaults defaults() const;
  void on_signal_of_master(int number);
  void on_news(master_link::news what);
  void make_way();
  bool advance();
  void begin_stop();
  void finish();
  void complain(const std::string& text) const;
  std::string who() const;

  command_line line_;
  standard_options options_;
  std::optional<duration> drain_;
  std::optional<backend_choice> backend_;
  std::optional<prefork_options> prefork_;
  duration restart_limit_ = default_restart_limit;
  std::string one_process_;  // why it cannot be in several
  std::optional<std::size_t> workers_wanted_;
  std::string one_loop_;   // why it cannot be on several
  std::size_t loops_ = 1;  // once that is settled
  bool wants_signals_ = false;
  bool stop_wanted_ = false;
  bool hurried_ = false;
  bool makes_way_ = false;  // another worker, or another process, has taken over
  bool ran_ = false;
  int stop_signal_ = 0;
  int heir_ = 0;  // the process that has taken over
  int status_ = 0;
  std::function<bool()> main_ended_;

  std::vector<std::unique_ptr<service>> services_;
  std::vector<service_base*> cores_;       // of the services, in the same order
  std::vector<std::string> port_options_;  // what moves their ports, such as "--port"
  std::list<std::unique_ptr<task_entry>> entries_;
  std::size_t entries_kept_ = 0;  // when the ended ones were dropped last
  bool unstarted_ = false;        // there are entries that have not been started
  std::vector<std::function<void()>> on_stop_;

  std::shared_ptr<named_topics> topics_;
  std::unique_ptr<event_loop> own_loop_;
  event_loop* loop_;
  std::optional<cancel_scope> scope_;
  std::optional<signal_source> signals_;
  std::optional<master_link> link_;  // of a worker
  std::uint64_t requests_left_ = 0;  // of a worker that serves so many only
  std::optional<stop_sequence> stop_;
  std::optional<loop_seat> seat_;                      // of a loop that is not the first
  std::optional<loop_ref> self_;                       // of the first of several
  std::vector<std::unique_ptr<loop_worker>> workers_;  // all but the first

  std::string program_;  // the file to start it from once more
  os::service_manager manager_;
  unique_fd predecessor_;  // the link to the run of this program whose place this one takes
  std::optional<watchdog> watchdog_;
  std::optional<hot_restart> restart_;
};

}  // namespace cetane::detail
