#pragma once

#include <app/successor.hpp>
#include <app/worker_roster.hpp>
#include <os/service_manager.hpp>
#include <os/signals.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/os/process.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>

namespace cetane::detail {

/// What a master and its workers tell each other over a socket pair, in bytes. That the other end
/// is closed says that the other has ended.
namespace worker_word {
inline constexpr char ready = 'r';     // worker: serves
inline constexpr char leaves = 'l';    // worker: has served enough, and ends
inline constexpr char stop_all = 's';  // worker: the program shall stop
inline constexpr char go = 'g';        // master: another one has taken your place
}  // namespace worker_word

/// What a master's processes are for.
class prefork_duty {
 public:
  /// Serves, in a process of its own, until it is told otherwise; gives that one's exit status.
  virtual int work(unique_fd link) = 0;
  /// The first worker serves.
  virtual void on_serving() = 0;
  /// All of them stop.
  virtual void on_stopping() = 0;
  /// Starts another run of the program. Throws error.
  virtual std::unique_ptr<successor> start_successor() = 0;
  /// That one serves, and all is its own from now on; or it has failed.
  virtual void on_successor(const successor& one, successor::state now) = 0;

 protected:
  ~prefork_duty() = default;
};

/// The process whose children serve. It has no event loop and touches no connection.
///
/// SIGTERM and SIGINT: all stop in good order, a second one at once. SIGQUIT: all stop at once.
/// SIGHUP: another worker takes the place of each, one by one. SIGUSR1 goes to all workers.
/// SIGUSR2: another run of the program takes the place of master and workers.
class prefork_master {
 public:
  /// @param patience  How long a worker that was told to stop may take until it is killed.
  /// @param manager  Is told that the master turns, as often as it wants to know.
  prefork_master(prefork_duty& duty, std::size_t workers, duration patience,
                 os::service_manager& manager);

  /// Gives the program's exit status.
  int run();

 private:
  struct worker {
    child_process process;
    unique_fd link;
    time_point kill_at = never;
    bool shows_tasks = false;  // once it can: before that the signal would end it
  };

  void direct();
  void start_worker();
  int be_worker(unique_fd link);
  void let_go(int pid);
  void wait();
  void heed_signals();
  void heed(int number);
  void stop();
  void stop_at_once();
  void tell_all_to_stop();
  void begin_restart();
  void look_at_successor();
  void make_way();
  void feed_watchdog();
  void hear(int pid, worker& one);
  void bury(int pid, const child_status& status);
  void kill_overdue();

  prefork_duty& duty_;
  const duration patience_;
  worker_roster roster_;
  os::sigpipe_ignored sigpipe_ignored_;
  std::optional<os::signal_watcher> signals_;
  std::map<int, worker> workers_;
  std::unique_ptr<successor> successor_;
  os::service_manager& manager_;
  time_point feed_at_ = never;
  bool makes_way_ = false;  // another run has taken over, and nobody is in a hurry
  int status_ = 0;
};

}  // namespace cetane::detail
