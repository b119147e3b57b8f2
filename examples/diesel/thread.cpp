// diesel's thread: two tasks that block, each on a thread of its own, and neither in the other's
// way.
//
// Run:   ./dev run diesel/thread              (or with another time: diesel/thread 0.1)
// See:   first is back: 1                     (each line of theirs a second after the one before)
//        second is back: 1                    (and so on, up to 3)
//
// It shows thread(): the function blocks one of the offload pool's threads, the task only waits.

#include <cetane/cetane.hpp>

#include <cstdlib>
#include <thread>

// What there is no other way to call: it keeps its thread to itself until it returns.
int work(int number, cetane::duration pause) {
  std::this_thread::sleep_for(pause);
  return number + 1;
}

cetane::task<> blocker(std::string name, cetane::duration pause) {
  for (int number = 0; number < 3;) {
    number = co_await cetane::thread(work, number, pause);
    fmt::print("{} is back: {}\n", name, number);
  }
}

cetane::task<> block_twice(cetane::duration pause) {
  auto first = cetane::spawn(blocker, "first", pause);
  auto second = cetane::spawn(blocker, "second", pause);
  co_await first;
  co_await second;
}

int main(int argc, char** argv) {
  char* end = nullptr;
  const double seconds = argc > 1 ? std::strtod(argv[1], &end) : 1;
  const bool is_time = end == nullptr || (end != argv[1] && *end == '\0' && seconds >= 0);
  if (argc > 2 || !is_time) return fmt::print(stderr, "usage: thread [SECONDS]\n"), 2;
  return cetane::run(block_twice, cetane::seconds_to_duration(seconds));
}
