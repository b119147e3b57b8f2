// diesel's dispatch: every job goes to one of ten workers, each in its turn.
//
// Run:   ./dev run diesel/dispatch
// See:   worker 0 does job 0                  (fifty such lines, and no job twice)
//        all jobs are done                    (and that is the end)
//
// It shows dispatcher, the counterpart of fanout. The first jobs are there before any worker: they
// wait for the first who comes.

#include <cetane/cetane.hpp>

constexpr int workers = 10;
constexpr int jobs = 50;

cetane::task<> worker(int number, cetane::dispatcher<int>& office, cetane::countdown& to_do) {
  auto own = office.accept();
  for (;;) {
    const int job = co_await own.get();
    fmt::print("worker {} does job {}\n", number, job);
    to_do.tick();
  }
}

cetane::task<> hand_out(cetane::dispatcher<int>& office, cetane::countdown& to_do) {
  for (int job = jobs / 2; job < jobs; ++job) office.dispatch(job);
  co_await to_do.wait();
  fmt::print("all jobs are done\n");
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::dispatcher<int> office;
  cetane::countdown to_do(jobs);
  for (int job = 0; job < jobs / 2; ++job) office.dispatch(job);
  cetane::application app(argc, argv);
  for (int number = 0; number < workers; ++number) {
    app.add_task(worker, number, std::ref(office), std::ref(to_do));
  }
  app.add_task(hand_out, std::ref(office), std::ref(to_do));
  return app.run();
}
