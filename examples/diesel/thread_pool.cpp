// diesel's thread_pool: four workers do twenty jobs, and ask for the next one when they are idle.
//
// Run:   ./dev run diesel/thread_pool         (or with quicker jobs: diesel/thread_pool 0.01)
// See:   job 1 is done                        (and so on, up to 20, without 13)
//        20 jobs, 1 of them failed            (about a second after the start)
// and on stderr that job 13 brings bad luck.
//
// It shows worker_pool. Its workers are tasks, as diesel's are; for functions that block there is
// thread().

#include <cetane/cetane.hpp>

#include <cstdlib>
#include <optional>
#include <stdexcept>

cetane::task<> do_jobs(cetane::duration each) {
  const auto next_job = [number = 0]() mutable -> std::optional<int> {
    if (number == 20) return std::nullopt;
    return ++number;
  };
  const auto handle = [each](int job) -> cetane::task<> {
    co_await cetane::sleep(each);
    if (job == 13) throw std::runtime_error("job 13 brings bad luck");
    fmt::print("job {} is done\n", job);
  };
  cetane::worker_pool pool(4, next_job, handle);
  co_await pool.run();
  fmt::print("{} jobs, {} of them failed\n", pool.done(), pool.lost());
}

int main(int argc, char** argv) {
  char* end = nullptr;
  const double seconds = argc > 1 ? std::strtod(argv[1], &end) : 0.2;
  const bool is_time = end == nullptr || (end != argv[1] && *end == '\0' && seconds >= 0);
  if (argc > 2 || !is_time) return fmt::print(stderr, "usage: thread_pool [SECONDS]\n"), 2;
  return cetane::run(do_jobs, cetane::seconds_to_duration(seconds));
}
