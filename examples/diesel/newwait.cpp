// diesel's newwait: one task takes from two queues, whichever has something.
//
// Run:   ./dev run diesel/newwait             (or with another time: diesel/newwait 0.1)
// See:   left: 1                              (half a second after the start, then)
//        right: 1                             (and so on, up to 3 of each)
//        nothing on either side               (a second later, and that is the end)
//
// It shows first: of several waits one happens, the others have taken nothing. When both queues
// have an item the one named first goes first.

#include <cetane/cetane.hpp>

#include <cstdlib>

using int_queue = cetane::queue<int>;

cetane::task<> bring(int_queue& side, cetane::duration pause) {
  for (int number = 1; number <= 3; ++number) {
    co_await cetane::sleep(pause);
    co_await side.put(number);
  }
}

cetane::task<> take(int_queue& left, int_queue& right, cetane::duration patience) {
  for (;;) {
    auto turn = co_await cetane::first(left.get(), right.get(), cetane::sleep(patience));
    auto& [from_left, from_right, silent] = turn;
    if (from_left) fmt::print("left: {}\n", *from_left);
    if (from_right) fmt::print("right: {}\n", *from_right);
    if (silent) break;
  }
  fmt::print("nothing on either side\n");
}

cetane::task<> bring_and_take(cetane::duration pause) {
  int_queue left;
  int_queue right;
  co_await cetane::all(bring(left, pause), bring(right, pause), take(left, right, 2 * pause));
}

int main(int argc, char** argv) {
  char* end = nullptr;
  const double seconds = argc > 1 ? std::strtod(argv[1], &end) : 0.5;
  const bool is_time = end == nullptr || (end != argv[1] && *end == '\0' && seconds >= 0);
  if (argc > 2 || !is_time) return fmt::print(stderr, "usage: newwait [SECONDS]\n"), 2;
  return cetane::run(bring_and_take, cetane::seconds_to_duration(seconds));
}
