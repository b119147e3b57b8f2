// The jobs example under load: the sender feels that the queue is full, and a stop loses nothing.

#include <app/app_fixture.hpp>

#include <cetane/cetane.hpp>

#include <algorithm>

namespace jobs_test {

#include "../../examples/jobs.cpp"

using namespace cetane;
using namespace cetane::test;

TEST_CASE_METHOD(app_fixture, "a stop finishes what was accepted, and a full queue accepts no more",
                 "[examples][jobs][not-epoll]") {
  job_queue jobs(100);
  const service& served = app.add_service(service(take_jobs, 0, std::ref(jobs)));
  for (int number = 1; number <= 4; ++number) {
    app.add_task(worker, number, std::ref(jobs)).grace(10s);
  }
  app.on_stop([&] { jobs.close(); });
  std::size_t accepted = 0;

  run([&]() -> task<> {
    connection sender = co_await connect_to(served);
    for (int number = 0; number < 200; ++number) co_await sender.print("job{}\r\n", number);
    co_await sleep(150ms);  // before the first job is done
    stop();
    while (const auto line = co_await sender.next_line()) accepted += *line == "accepted";
  });

  const auto told = log.of(log::level::info);
  const auto done = std::count_if(told.begin(), told.end(), [](const std::string& line) {
    return line.find(" did job") != line.npos;
  });
  CHECK(accepted == 104);  // four are under way, a hundred wait
  CHECK(done == 104);
  CHECK(stopping() > 5s);
  CHECK(stopping() < 10s);
}

}  // namespace jobs_test
