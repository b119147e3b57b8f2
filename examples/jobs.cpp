// Jobs come in over TCP, four workers do them. On Ctrl-C no new jobs are taken and those accepted
// are finished (10 s at most).
//
// Run:   ./dev run jobs                 it prints: listening on tcp://127.0.0.1:8018
// Type:  printf 'one\ntwo\nthree\n' | nc -q 1 127.0.0.1 8018
// See:   accepted                       three times; and on the server's side, a little later:
//        worker 1 did one               and so on, even if you have pressed Ctrl-C meanwhile
//
// It shows a queue between connections and background tasks: it is closed when a stop begins, and
// the tasks have a time of grace to empty it.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;
using job_queue = cetane::queue<std::string>;

cetane::task<> take_jobs(cetane::connection& peer, job_queue& jobs) {
  while (auto line = co_await peer.next_line()) {
    co_await jobs.put(*line);  // waits while the queue is full: the sender feels it
    co_await peer.send("accepted\r\n");
  }
}

cetane::task<> worker(int number, job_queue& jobs) {
  while (auto job = co_await jobs.next()) {  // nothing once the queue is closed and empty
    co_await cetane::sleep(200ms);           // the work
    cetane::log::info("worker {} did {}", number, *job);
  }
}

int main(int argc, char** argv) {
  job_queue jobs(100);
  cetane::application app(argc, argv);
  app.add_service(cetane::service(take_jobs, 8018, std::ref(jobs)));
  for (int number = 1; number <= 4; ++number)
    app.add_task(worker, number, std::ref(jobs)).grace(10s);
  app.on_stop([&] { jobs.close(); });
  return app.run();
}
