// diesel's queue_fairness_and_speed: ten workers take 100,000 items from one queue.
//
// Run:   ./dev run diesel/queue_fairness_and_speed
// See:   worker 0 took 10000                  (each of the ten exactly as many as the others)
//        3500000 items a second               (or so)
//
// It shows that a queue serves those who wait in turn, and what that costs.

#include <cetane/cetane.hpp>

#include <chrono>

constexpr int workers = 10;
constexpr int items = 100'000;

cetane::task<> worker(int number, cetane::queue<int>& from) {
  int taken = 0;
  while (co_await from.next()) ++taken;
  fmt::print("worker {} took {}\n", number, taken);
}

cetane::task<> share_out() {
  cetane::queue<int> shared(cetane::unbounded);
  const auto begin = std::chrono::steady_clock::now();
  co_await cetane::with_group([&](cetane::group& all) -> cetane::task<> {
    for (int number = 0; number < workers; ++number) all.spawn(worker, number, std::ref(shared));
    for (int item = 0; item < items; ++item) shared.try_put(item);
    shared.close();
    co_return;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{:.0f} items a second\n", items / took.count());
}

int main(int argc, char**) {
  if (argc > 1)
    return fmt::print(stderr, "usage: queue_fairness_and_speed, without arguments\n"), 2;
  return cetane::run(share_out);
}
