// diesel's timer: something that happens again and again, and something that happens once.
//
// Run:   ./dev run diesel/timer               (--period 0.1 makes it quicker)
// See:   periodic, once in 1 s                (three times)
//        once!                                (after three and a half seconds, and that is the end)
//
// It shows tasks that serve no connection, and how one of them ends the program.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

cetane::task<> every(cetane::duration period) {
  for (;;) {
    co_await cetane::sleep(period);
    fmt::print("periodic, once in {}\n", cetane::duration_text(period));
  }
}

cetane::task<> once(cetane::application& app, cetane::duration delay) {
  co_await cetane::sleep(delay);
  fmt::print("once!\n");
  app.stop();
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration period =
      app.add_option("period", 1s, "how long until it happens again").span();
  app.add_task(every, period);
  app.add_task(once, std::ref(app), period * 7 / 2);
  return app.run();
}
