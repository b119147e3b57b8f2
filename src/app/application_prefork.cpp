// An application in several processes: what its master does, and what is different in a worker.
#include <app/application_core.hpp>

#include <cetane/app/application.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace cetane::detail {
namespace {

/// What a worker may take longer than its stop allows, before it is killed.
constexpr duration patience_beyond_stop = std::chrono::seconds(2);

}  // namespace

// What the user says goes before what the program does. Zero processes are none but this one.
void application_core::settle_processes() {
  if (options_.processes) {
    const std::size_t wanted = *options_.processes;
    if (wanted == 0) {
      prefork_.reset();
    } else if (!one_process_.empty()) {
      line_.complain("--processes: " + one_process_, status_refused);
    } else {
      if (!prefork_) prefork_.emplace();
      prefork_->processes = wanted;
    }
  }
  if (options_.max_requests) {
    if (prefork_) {
      prefork_->max_requests = *options_.max_requests;
    } else if (*options_.max_requests > 0) {
      line_.complain("--max-requests: it is about --processes; use both", status_usage);
    }
  }
  if (prefork_ && loop_ != nullptr) {
    throw std::logic_error(
        "prefork: this application runs on a loop of the caller's, which no other process has");
  }
}

int application_core::run_workers() {
  for (std::size_t i = 0; i < cores_.size(); ++i) cores_[i]->open_for_workers(port_options_[i]);
  std::size_t count = prefork_->processes;
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  prefork_master master(*this, std::min(count, most_processes), longest_stop(), manager_);
  return master.run();
}

duration application_core::longest_stop() const {
  const duration drain = options_.drain.value_or(drain_.value_or(default_drain));
  duration longest = drain;
  duration clean_up = default_clean_up;
  for (service_base* const core : cores_) {
    if (!options_.drain) longest = std::max(longest, core->grace().value_or(drain));
    clean_up = std::max(clean_up, core->limits().clean_up);
  }
  for (const auto& entry : entries_) longest = std::max(longest, entry->grace_);
  return longest + clean_up + patience_beyond_stop;
}

void application_core::on_serving() {
  for (const service_base* const core : cores_) say_where(*core);
  say_ready();
}

void application_core::on_stopping() {
  if (heir_ == 0) manager_.stopping();
  for (service_base* const core : cores_) core->close_for_workers();
}

// A worker.

int application_core::work(unique_fd link) {
  return run_here([&] {
    link_.emplace(std::move(link));
    manager_ = {};  // its master speaks
    predecessor_.reset();
    requests_left_ = prefork_->max_requests;
    if (requests_left_ > 0) {
      for (service_base* const core : cores_) core->set_budget(requests_left_);
    }
    start();
    link_->attach(*loop_, [this](master_link::news what) { on_news(what); });
    loop_->run_until([this] { return advance(); });
    return status_;
  });
}

// A terminal sends SIGINT and SIGHUP to all processes; for a worker its master decides.
void application_core::handle_signals() {
  if (seat_) return;  // they are the first loop's
  const auto heed = [this](int number) { on_signal(number); };
  if (link_) {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGUSR2, SIG_IGN);
    signals_.emplace(*loop_, std::initializer_list<int>{SIGTERM, SIGQUIT, SIGUSR1}, heed);
  } else if (serves_others()) {
    signals_.emplace(*loop_, std::initializer_list<int>{SIGINT, SIGTERM, SIGUSR1, SIGUSR2}, heed);
  } else if (wants_signals_) {
    signals_.emplace(*loop_, std::initializer_list<int>{SIGINT, SIGTERM, SIGUSR1}, heed);
  }
}

// SIGTERM may come twice, from the master and from who stops a whole group of processes.
void application_core::on_signal_of_master(int number) {
  stop_wanted_ = true;
  makes_way_ = false;
  if (number == SIGQUIT) hurried_ = true;
  if (stop_) stop_->cancel_idle_handlers();
}

void application_core::on_news(master_link::news what) {
  if (what == master_link::news::master_ended) {
    if (!stop_wanted_) log::warning("{}the master has ended", who());
    on_signal_of_master(SIGTERM);
  } else if (!stop_wanted_) {
    stop_wanted_ = makes_way_ = true;
  }
}

// A worker that has let in as many connections as it shall goes on with those it has.
void application_core::make_way() {
  if (!link_ || prefork_->max_requests == 0 || requests_left_ > 0 || stop_wanted_) return;
  link_->say(worker_word::leaves);
  stop_wanted_ = makes_way_ = true;
}

// In a worker this is about all of them. On another loop than the first, the first is asked.
void application_core::stop() noexcept {
  if (seat_) return seat_->head->stop();
  if (self_ && !self_->is_here()) return ask_first_loop_to_stop();
  if (link_ && !stop_wanted_) link_->say(worker_word::stop_all);
  stop_wanted_ = true;
}

std::string application_core::who() const {
  if (seat_) return fmt::format("event loop {}: ", seat_->number);
  return link_ ? fmt::format("worker {}: ", ::getpid()) : std::string();
}

}  // namespace cetane::detail

namespace cetane {

int run_prefork(int argc, char** argv, service what, const prefork_options& options) {
  application app(argc, argv);
  app.add_service(std::move(what));
  app.prefork(options);
  return app.run();
}

}  // namespace cetane
