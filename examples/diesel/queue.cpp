// diesel's queue: one task waits for items, for a while only, and another brings them.
//
// Run:   ./dev run diesel/queue               (or with less patience: diesel/queue 0.1)
// See:   nothing came within 1 s
//        got 1                                (and so on, up to 5, now that somebody brings them)
//        no more
//
// It shows queue, with a time for the wait, and how close() says that nothing more will come.

#include <cetane/cetane.hpp>

#include <cstdlib>

cetane::task<> bring(cetane::queue<int>& items) {
  for (int item = 1; item <= 5; ++item) co_await items.put(item);  // waits while two are there
  items.close();
}

cetane::task<> take(cetane::duration patience) {
  cetane::queue<int> items(2);
  if (!co_await cetane::move_on_after(patience, items.get())) {
    fmt::print("nothing came within {}\n", cetane::duration_text(patience));
  }

  auto bringer = cetane::spawn(bring, std::ref(items));
  while (auto item = co_await items.next()) fmt::print("got {}\n", *item);
  fmt::print("no more\n");
  co_await bringer;
}

int main(int argc, char** argv) {
  char* end = nullptr;
  const double seconds = argc > 1 ? std::strtod(argv[1], &end) : 1;
  const bool is_time = end == nullptr || (end != argv[1] && *end == '\0' && seconds >= 0);
  if (argc > 2 || !is_time) return fmt::print(stderr, "usage: queue [SECONDS]\n"), 2;
  return cetane::run(take, cetane::seconds_to_duration(seconds));
}
