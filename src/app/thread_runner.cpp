// A thread for each connection. The runner belongs to its loop's thread. It reaches a session over
// the session's line, and the end of a session comes back through the loop's mailbox.
#include <app/connection_runner.hpp>
#include <app/service_core.hpp>
#include <os/signals.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <exception>
#include <iterator>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger threads_log("service");

/// From a runner to a session on another thread, for as long as that runs.
class session_line {
 public:
  void connect(outside_session& session) noexcept {
    const std::lock_guard lock(mutex_);
    session_ = &session;
    if (told_ != stop_step::none) session.tell(told_);
  }

  void disconnect() noexcept {
    const std::lock_guard lock(mutex_);
    session_ = nullptr;
  }

  void tell(stop_step step) noexcept {
    const std::lock_guard lock(mutex_);
    if (step <= told_) return;
    told_ = step;
    if (session_ != nullptr) session_->tell(step);
  }

 private:
  std::mutex mutex_;
  outside_session* session_ = nullptr;
  stop_step told_ = stop_step::none;
};

class thread_runner final : public connection_runner {
 public:
  thread_runner(service_core& of, session_factory make) : service_(of), make_(std::move(make)) {}
  ~thread_runner() override;

  void serve(unique_fd socket, const address& peer) override;
  std::size_t running() const noexcept override { return served_.size(); }
  void tell(stop_step step) noexcept override;

 private:
  struct served {
    explicit served(thread_runner& of) noexcept : runner(&of) {}

    thread_runner* runner;  // null when that has ended
    session_line line;
    std::thread thread;
    std::list<std::shared_ptr<served>>::iterator place;
  };

  class end_of_session final : public message {
   public:
    explicit end_of_session(std::shared_ptr<served> of) noexcept : of_(std::move(of)) {}
    void deliver() override {
      if (of_->runner != nullptr) of_->runner->forget(*of_);
    }

   private:
    std::shared_ptr<served> of_;
  };

  void run(session_line& line, unique_fd socket, const address& peer) const noexcept;
  void forget(served& gone) noexcept;

  service_core& service_;
  const session_factory make_;
  std::list<std::shared_ptr<served>> served_;
};

thread_runner::~thread_runner() {
  tell(stop_step::at_once);
  for (const auto& one : served_) {
    one->thread.join();
    one->runner = nullptr;
    service_.outsider_ends();
  }
}

void thread_runner::serve(unique_fd socket, const address& peer) {
  const auto one = std::make_shared<served>(*this);
  auto end = std::make_unique<end_of_session>(one);
  served_.push_back(one);
  one->place = std::prev(served_.end());
  try {
    const os::signals_blocked blocked;
    one->thread = std::thread([this, &line = one->line, &loop = service_.loop(), peer,
                               own_socket = std::move(socket), end = std::move(end)]() mutable {
      run(line, std::move(own_socket), peer);
      loop.post_answer(std::move(end));
    });
  } catch (...) {
    served_.pop_back();
    throw;
  }
  service_.outsider_begins();
}

// On the thread of the session, which ends before the runner does.
void thread_runner::run(session_line& line, unique_fd socket, const address& peer) const noexcept {
  try {
    const std::unique_ptr<outside_session> session = make_();
    const scope_exit over([&] { line.disconnect(); });
    line.connect(*session);
    session->run(std::move(socket), peer);
  } catch (const std::exception& e) {
    threads_log.error("the thread that served {} failed: {}", peer, e.what());
  } catch (...) {
    threads_log.error("the thread that served {} failed with something that is no std::exception",
                      peer);
  }
}

// The end of a service may follow from that of its last session.
void thread_runner::forget(served& gone) noexcept {
  gone.thread.join();
  service_core& service = service_;
  served_.erase(gone.place);
  service.outsider_ends();
}

void thread_runner::tell(stop_step step) noexcept {
  for (const auto& one : served_) one->line.tell(step);
}

}  // namespace

std::unique_ptr<connection_runner> make_thread_runner(service_core& of, session_factory make) {
  return std::make_unique<thread_runner>(of, std::move(make));
}

}  // namespace cetane::detail
