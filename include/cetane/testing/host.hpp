#pragma once

#include <cetane/app/application.hpp>
#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/testing/program.hpp>
#include <cetane/testing/served.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace cetane {
class simulation;
}

namespace cetane::testing {

class machine;

/// A machine in a simulated world, see world::host(): a name, an address and an event loop of its
/// own.
///
/// All hosts are on one network and have one clock; their loops take turns on one thread, so that a
/// test may share what it likes with their tasks: an event that a task of one host sets wakes a
/// waiter on another.
class CETANE_API host {
 public:
  /// Use world::host().
  host(simulation& network, std::string name);
  ~host();
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  /// What the others call it: `connect("db", 5432)`.
  [[nodiscard]] const std::string& name() const noexcept;
  /// Its address as they see it: "10.0.0.2".
  [[nodiscard]] std::string ip() const;

  /// Starts a service on this host, where the others can reach it; also when it says nothing of
  /// where to listen. Otherwise as world::serve().
  [[nodiscard("the service ends with this object: const auto& server = db.serve(...)")]] served
  serve(service fresh);

  /// Starts fn(args...) as a task on this host; otherwise as cetane::spawn(). Any task of the test
  /// may join it.
  ///
  /// @throws std::logic_error  The host is down.
  template <class Fn, class... Args>
  auto spawn(Fn&& fn, Args&&... args) {
    event_loop& here = loop();
    return detail::spawn_in(here, here.scope(), std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  /// Runs a program on this host, one at a time: what its main() would do to an application before
  /// it runs that.
  ///
  ///     const auto& chat = talk.run([&](application& app) { app.add_service(service(chat, 8013));
  ///     });
  ///
  /// It runs until it is stopped, or until what this returns goes.
  /// @throws error             A service cannot listen.
  /// @throws std::logic_error  A program runs here already, or the host is down.
  [[nodiscard("the program ends with this object: const auto& chat = talk.run(...)")]] program run(
      std::function<void(application&)> set_up);

  /// Cuts the power: its tasks and connections are gone and nobody is told. Who sends it something
  /// meets silence while it is down, and a reset once it is up again.
  ///
  /// A task of the host itself that calls this goes on to the end of its turn.
  void crash();

  /// Starts it again after a crash, and the program that ran then. Services of serve() stay ended.
  ///
  /// @throws std::logic_error  It is up.
  void restart();

  [[nodiscard]] bool up() const noexcept;

  /// Its event loop, for what is not here.
  /// @throws std::logic_error  The host is down.
  [[nodiscard]] event_loop& loop();

 private:
  friend class world;

  std::unique_ptr<machine> machine_;
};

}  // namespace cetane::testing
