// diesel's event: ten racers wait for one shot.
//
// Run:   ./dev run diesel/event               (--pause 0.1 makes the wait shorter)
// See:   racer 0 is ready                     (ten such lines, and a second later)
//        go!
//        racer 0 is off                       (and the others, in the order in which they came)
//
// It shows event: once set it stays set, so the racer who comes late need not wait.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

constexpr int racers = 10;

cetane::task<> racer(int number, cetane::event& shot) {
  fmt::print("racer {} is ready\n", number);
  co_await shot.wait();
  fmt::print("racer {} is off\n", number);
}

cetane::task<> starter(cetane::event& shot, cetane::duration pause) {
  co_await cetane::sleep(pause);
  fmt::print("go!\n");
  shot.set();
  co_await cetane::yield();  // all who are ready have their turn
  co_await racer(racers, shot);
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::event shot;
  cetane::application app(argc, argv);
  const cetane::duration pause = app.add_option("pause", 1s, "how long until the shot").span();
  for (int number = 0; number < racers; ++number) app.add_task(racer, number, std::ref(shot));
  app.add_task(starter, std::ref(shot), pause);
  return app.run();
}
