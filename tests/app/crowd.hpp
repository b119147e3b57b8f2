#pragma once

#include <app/app_fixture.hpp>

#include <cetane/backend/make_backend.hpp>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace cetane::test {

/// Which threads have been where.
class register_of_threads {
 public:
  static constexpr bool spans_loops = true;

  int number_here() {
    const std::lock_guard lock(mutex_);
    return numbers_.try_emplace(std::this_thread::get_id(), static_cast<int>(numbers_.size()))
        .first->second;
  }
  void note() {
    const std::lock_guard lock(mutex_);
    noted_.insert(std::this_thread::get_id());
  }
  std::size_t noted() {
    const std::lock_guard lock(mutex_);
    return noted_.size();
  }

 private:
  std::mutex mutex_;
  std::map<std::thread::id, int> numbers_;
  std::set<std::thread::id> noted_;
};

/// An application on several loops, and a task on the first one that is its client.
struct crowd {
  explicit crowd(std::size_t workers) {
    const char* const wanted = std::getenv("CETANE_TEST_BACKEND");
    app.backend(parse_backend(wanted != nullptr ? wanted : "epoll").value());
    app.workers(workers);
  }

  int run(std::function<task<>()> clients) {
    app.add_task([this, clients = std::move(clients)]() -> task<> {
      const scope_exit stop([this] { app.stop(); });
      try {
        co_await clients();
      } catch (const std::exception& e) {
        failed = e.what();
      }
    });
    const int status = app.run();
    CHECK(failed == "");
    return status;
  }

  captured_log log;
  application app;
  register_of_threads threads;
  std::string failed;
};

/// A handler that says on which thread it runs, and stays until it hears a line.
inline task<> tell_thread(connection& peer, register_of_threads& threads) {
  co_await peer.print("{}\n", threads.number_here());
  (void)co_await peer.next_line();
}

inline int number_from(const std::string& line) { return std::stoi(line); }

}  // namespace cetane::test
