// diesel's forker: one task starts five others, which all sleep at the same time.
//
// Run:   ./dev run diesel/forker              (--pause 0.1 makes the naps shorter)
// See:   0, 1, 2, 3 and 4, a second after the start, and a second later the end
//
// It shows fork(): the parent has ended long before its children, which belong to the application.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

cetane::task<> sleep_and_print(cetane::application& app, int number, cetane::duration pause) {
  co_await cetane::sleep(pause);
  fmt::print("{}\n", number);
  co_await cetane::sleep(pause);
  app.stop();
}

cetane::task<> forker(cetane::application& app, cetane::duration pause) {
  for (int number = 0; number < 5; ++number) {
    cetane::fork(sleep_and_print, std::ref(app), number, pause);
  }
  co_return;
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration pause =
      app.add_option("pause", 1s, "how long to sleep before and after printing").span();
  app.add_task(forker, std::ref(app), pause);
  return app.run();
}
