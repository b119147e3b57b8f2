// diesel's keep_alive: a task that fails again and again, and is started again each time.
//
// Run:   ./dev run diesel/keep_alive          (--pause 0.1 makes the pauses shorter)
// See:   run 1                                (and half a second later)
//        run 2
//        run 3                                (and that is the end)
// and on stderr how each run ended.
//
// It shows keep_alive(), and the policy for it: the pause before each start.

#include <cetane/cetane.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

cetane::task<> fail(int& runs) {
  fmt::print("run {}\n", ++runs);
  if (runs == 3) cetane::quickstop();
  co_await cetane::yield();
  throw std::runtime_error("I should be started again");
}

int main(int argc, char** argv) {
  int runs = 0;
  cetane::application app(argc, argv);
  const cetane::duration pause = app.add_option("pause", 500ms, "the pause before a start").span();
  app.add_task(fail, std::ref(runs)).keep_alive(cetane::restart_policy().backoff(pause, pause));
  return app.run();
}
