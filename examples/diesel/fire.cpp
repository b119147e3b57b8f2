// diesel's fire: 50,000 shots, and somebody whom each of them hits.
//
// Run:   ./dev run diesel/fire
// See:   hit 50000 times, last by shot 50000
//        900000 shots a second                (or so)
//
// It shows wait and fire by name: a shot that nobody waits for is gone, so whoever fires lets the
// others have their turn after each.

#include <cetane/cetane.hpp>

#include <chrono>

constexpr int shots = 50'000;

cetane::task<> gunner() {
  for (int shot = 1;; ++shot) {
    cetane::fire("bam", shot);
    co_await cetane::yield();
  }
}

cetane::task<> under_fire() {
  const auto begin = std::chrono::steady_clock::now();
  int last = 0;
  for (int hits = 0; hits < shots; ++hits) last = co_await cetane::wait<int>("bam");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  fmt::print("hit {} times, last by shot {}\n", shots, last);
  fmt::print("{:.0f} shots a second\n", shots / took.count());
  cetane::quickstop();
}

int main(int argc, char** argv) { return cetane::quickstart(argc, argv, under_fire, gunner); }
