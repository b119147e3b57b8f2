#pragma once

#include <cetane/app/option.hpp>
#include <cetane/app/prefork.hpp>
#include <cetane/app/service.hpp>
#include <cetane/app/task_entry.hpp>
#include <cetane/backend/make_backend.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {
class application_core;
class application_turns;

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class T>
option_value to_option_value(T&& value) {
  using plain = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<plain, bool>) {
    return option_value(std::in_place_type<bool>, value);
  } else if constexpr (std::is_integral_v<plain>) {
    return option_value(std::in_place_type<std::int64_t>, static_cast<std::int64_t>(value));
  } else if constexpr (is_duration<plain>) {
    return option_value(std::in_place_type<duration>, to_duration(value));
  } else {
    return option_value(std::in_place_type<std::string>, std::forward<T>(value));
  }
}
}  // namespace detail

/// A program that serves: its services and background tasks, from the start to an orderly stop.
///
/// Made from the command line it has options (see --help; each may also come from the environment
/// as CETANE_NAME), prints `listening on ...` for each listener, and handles signals: SIGINT and
/// SIGTERM stop it, a second one ends it at once, SIGUSR1 writes what all tasks wait for to stderr,
/// SIGUSR2 starts the program once more and lets that process take this one's place.
///
/// An application that handles signals heeds who has started it, too. Services take over sockets
/// by the protocol of sd_listen_fds(3), each the one that has its name or its address, and say
/// `(inherited)` in their start lines; a socket that nobody takes is closed, with a word in the
/// log. A service manager is told what sd_notify(3) has for it: READY=1 when all services listen,
/// STOPPING=1, RELOADING=1 and MAINPID= at SIGUSR2, and WATCHDOG=1 if it wants that.
///
/// A stop goes in steps. Listeners close. Tasks that belong to no connection are cancelled, and so
/// are handlers that wait for input of which nothing has come. The other handlers go on until they
/// end or come to such a wait, for 5 s at most (see the option --drain). Then they are cancelled
/// and have 1 s for clean-up and output. What is left is reset.
///
/// It runs on one event loop, or on several (see workers()): then this object belongs to the thread
/// of the first one, apart from stop().
class CETANE_API application {
 public:
  /// Makes an application without options; signals are left alone, unless handle_signals() is
  /// called.
  application();

  /// Makes one with options, environment and signals.
  application(int argc, char** argv);

  /// Makes one that runs on a loop of the caller's, which outlives it. It has no options, leaves
  /// signals alone, and prints nothing.
  explicit application(event_loop& loop);

  application(const application&) = delete;
  application& operator=(const application&) = delete;
  ~application();

  /// Adds a service: it listens once the application runs, at once if that runs already.
  ///
  /// @throws error  The application runs, and the service cannot listen; says why and what helps.
  service& add_service(service added);

  /// Adds a background task: fn(args...) is started once the application runs, see spawn().
  ///
  /// The entry describes the task until it starts, and is gone some time after the task's end.
  template <class Fn, class... Args>
  task_entry& add_task(Fn&& fn, Args&&... args) {
    return add_kept_task(detail::keep_for_later(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }

  /// Adds an option of the program's own, and looks up its value.
  ///
  /// `add_option("motd", "hello", "the first line")` is --motd TEXT. What the default value is says
  /// what the option takes: text, a whole number, a duration, or nothing (false). `help` is its
  /// text for --help, which shows the default behind it.
  /// @throws std::invalid_argument  There is such an option, or the name has other characters than
  ///                                small letters, digits and '-'.
  template <class T>
  option& add_option(std::string name, T&& default_value, std::string help) {
    return add_option_of(std::move(name), detail::to_option_value(std::forward<T>(default_value)),
                         std::move(help));
  }

  /// Calls `call` when a stop begins, after the listeners were closed.
  void on_stop(std::function<void()> call);

  /// Begins to stop; run() returns when that is done. On the thread of any of its loops.
  void stop();

  /// Handles signals as an application with a command line does.
  application& handle_signals();

  /// How long handlers may go on after a stop, and the backend; the user's options go before these.
  application& drain(any_duration limit);
  application& backend(backend_choice choice);

  /// How long a new process may take after SIGUSR2 until it serves, 30 s if nothing is said. One
  /// that takes longer is ended, and this one goes on.
  application& restart_limit(any_duration limit);

  /// Serves in several processes that share the listeners: this one becomes their master, which
  /// only watches over its workers. The user's options --processes and --max-requests go before
  /// these.
  ///
  /// Each worker runs all services and background tasks on an event loop of its own; what was made
  /// before run() is copied into each, and what one of them changes the others do not see. A worker
  /// that ends unasked is replaced, after a pause that doubles with each one that does not live
  /// long. If the master is killed, its workers stop. stop() in a worker stops all.
  ///
  /// Signals for the master: SIGTERM and SIGINT stop all workers in good order, a second one at
  /// once; SIGQUIT stops them at once; SIGHUP puts a new worker in the place of each, one by one,
  /// and the old ones go on with their connections for the drain limit; SIGUSR1 goes to each;
  /// SIGUSR2 lets another master with workers of its own take over.
  application& prefork(const prefork_options& wanted);

  /// Refuses --processes, with the reason: `app.one_process("all talk in one room")`.
  application& one_process(std::string why);

  /// Serves on so many event loops, each on a thread of its own. The user's option --workers goes
  /// before this.
  ///
  /// The first loop accepts, and hands each connection to the loop that has the fewest of that
  /// service; limits of connections are for all loops together. What a service keeps for its
  /// handlers each loop has a copy of, so it must be made for that: see spans_loops and per_loop; a
  /// service with other state is refused. On the first loop alone are services of datagrams,
  /// services that say on_first_loop(), background tasks that do not say on_each_loop(), the
  /// functions for the stop, signals, and services that are added while it runs. wait() and fire()
  /// by name reach one loop.
  ///
  /// A stop goes its steps on all loops at a time. When one of them fails, all stop, and the status
  /// is 3. Not together with prefork().
  /// @throws std::invalid_argument  It is none, or more than 256.
  application& workers(std::size_t count);

  /// Refuses --workers, with the reason: `app.one_loop("the table is a global object")`.
  application& one_loop(std::string why);

  /// Runs until it is stopped. When it does not start, it prints on stderr why.
  ///
  /// @return The status for main to return.
  ///         0: it was stopped, or asked for --help or --version.
  ///         130 or 143: a second SIGINT or SIGTERM ended it.
  ///         2: the command line is not understood.
  ///         3: what it asks for cannot be done, because a port is in use for example; or a loop
  ///         has failed for want of memory.
  /// @throws std::logic_error  It was run before, or an event loop runs on this thread already, or
  ///                           workers() asks for what cannot be.
  int run();

 private:
  friend detail::application_turns;

  explicit application(std::unique_ptr<detail::application_core> core);

  task_entry& add_kept_task(std::unique_ptr<detail::unstarted_task> task);
  option& add_option_of(std::string name, detail::option_value default_value, std::string help);

  std::unique_ptr<detail::application_core> core_;
};

}  // namespace cetane
