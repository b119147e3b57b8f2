// diesel's timer_bench: ten thousand tasks that sleep, each for a time of its own.
//
// Run:   ./dev run diesel/timer_bench         (--longest 0.1 makes it quicker)
// See:   10000 tasks slept, 0 of them too short, and woke in the order of their times
//        the last one woke 0.1 ms late        (or so)
//
// It shows what the loop's timers promise: never early, and in order.

#include <cetane/cetane.hpp>

#include <chrono>

using namespace std::chrono_literals;

constexpr int sleepers = 10'000;

struct tally {
  int early = 0;
  int out_of_order = 0;
  int last_number = -1;
  std::chrono::duration<double, std::milli> last_late{};
};

cetane::task<> sleep_once(int number, cetane::duration span, tally& all) {
  const auto begin = std::chrono::steady_clock::now();
  co_await cetane::sleep(span);
  const auto late = std::chrono::steady_clock::now() - begin - span;
  if (late < 0ns) ++all.early;
  if (number < all.last_number) ++all.out_of_order;
  all.last_number = number;
  all.last_late = late;
}

cetane::task<> bench(cetane::duration longest) {
  tally all;
  co_await cetane::with_group([&](cetane::group& started) -> cetane::task<> {
    for (int number = 0; number < sleepers; ++number) {
      started.spawn(sleep_once, number, longest * number / sleepers, std::ref(all));
    }
    co_return;
  });
  fmt::print("{} tasks slept, {} of them too short, and woke {}\n", sleepers, all.early,
             all.out_of_order == 0 ? "in the order of their times" : "in disorder");
  fmt::print("the last one woke {:.1f} ms late\n", all.last_late.count());
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration longest =
      app.add_option("longest", 1s, "how long the last one sleeps").span();
  app.add_task(bench, longest);
  return app.run();
}
