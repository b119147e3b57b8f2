// diesel's signals: waits for a signal, for a while only, and then for the next one.
//
// Run:   ./dev run diesel/signals             (--period 10 is more patient)
// See:   waiting for SIGHUP, as pid 4711
//        no signal in the last 1 s            (once a second)
// Type:  kill -HUP 4711                       in a second terminal
// See:   SIGHUP, number 1                     (the third one ends the program)
//
// It shows signal_set as one of the waits of first. It needs no rearming: a signal that comes while
// nobody waits is kept.

#include <cetane/cetane.hpp>

#include <csignal>

#include <unistd.h>

using namespace std::chrono_literals;

cetane::task<> count_signals(cetane::duration period) {
  cetane::signal_set hangups(SIGHUP);
  fmt::print("waiting for SIGHUP, as pid {}\n", ::getpid());
  std::fflush(stdout);
  for (int number = 0; number < 3;) {
    auto turn = co_await cetane::first(hangups.wait(), cetane::sleep(period));
    auto& [hangup, silent] = turn;
    if (hangup) fmt::print("SIGHUP, number {}\n", ++number);
    if (silent) fmt::print("no signal in the last {}\n", cetane::duration_text(period));
    std::fflush(stdout);
  }
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration period =
      app.add_option("period", 1s, "how long to wait before saying so").span();
  app.add_task(count_signals, period);
  return app.run();
}
