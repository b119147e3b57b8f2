// An application on several event loops: what the first one does for the others, and what is
// different on those.
#include <app/application_core.hpp>
#include <app/service_core.hpp>
#include <app/service_of_core.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane::detail {

void application_core::set_workers(std::size_t count) {
  if (count == 0 || count > most_workers) {
    throw std::invalid_argument(fmt::format(
        "workers: an application serves on 1 to {} event loops, not on {}", most_workers, count));
  }
  workers_wanted_ = count;
}

// What the user says goes before what the program does.
void application_core::settle_workers() {
  loops_ = options_.workers.value_or(workers_wanted_.value_or(1));
  if (loops_ < 2) return;
  const std::string why = why_one_loop();
  if (why.empty()) return;
  if (!options_.workers) throw std::logic_error("workers: " + why);
  line_.complain("--workers: " + why, status_refused);
}

std::string application_core::why_one_loop() const {
  if (!one_loop_.empty()) return one_loop_;
  if (prefork_) return "not together with --processes, each of which has one event loop";
  if (loop_ != nullptr) return "this application runs on a loop of the caller's";
  for (const service_base* const core : cores_) {
    if (std::string why = core->why_one_loop(); !why.empty()) return why;
  }
  return {};
}

// The first loop.

void application_core::start_workers() {
  self_.emplace(*loop_);
  std::vector<std::vector<loop_place>> places(cores_.size());
  for (unsigned number = 2; number <= loops_; ++number) start_worker(number, places);
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (!places[i].empty()) cores_[i]->divide_among(std::move(places[i]));
  }
}

void application_core::start_worker(unsigned number, std::vector<std::vector<loop_place>>& places) {
  auto core = std::make_unique<application_core>(command_line(), nullptr);
  core->seat_.emplace(loop_seat{number, this});
  core->backend_ = options_.backend ? options_.backend : backend_;
  core->drain_ = options_.drain ? options_.drain : drain_;
  std::vector<service_core*> twins;
  for (const service_base* const each : cores_) {
    service_core* const twin = each->make_twin();
    twins.push_back(twin);
    if (twin == nullptr) continue;
    if (options_.drain) twin->set_grace(*options_.drain);
    core->add_service(service_of_core::make(twin), *twin);
  }
  const auto on_end = [this](const loop_worker& worker) { on_worker_end(worker); };
  loop_worker& worker =
      *workers_.emplace_back(std::make_unique<loop_worker>(std::move(core), *self_, on_end));
  worker.start();
  for (std::size_t i = 0; i < twins.size(); ++i) {
    if (twins[i] != nullptr) places[i].push_back(loop_place{worker.loop(), twins[i]});
  }
}

void application_core::spread_tasks() {
  for (const auto& entry : entries_) {
    for (const auto& worker : workers_) {
      if (auto twin = entry->for_another_loop()) worker->add_task(std::move(twin));
    }
  }
}

// One that fails takes all along: its connections are gone, and who knows what else.
void application_core::on_worker_end(const loop_worker& worker) {
  if (!worker.failed()) return;
  status_ = status_refused;
  stop_wanted_ = true;
}

bool application_core::workers_ended() const noexcept {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->ended(); });
}

void application_core::end_workers() noexcept {
  for (const auto& worker : workers_) worker->hurry();
  for (const auto& worker : workers_) worker->join();
}

// On another loop of the application.
void application_core::ask_first_loop_to_stop() noexcept {
  class stop_all final : public message {
   public:
    explicit stop_all(application_core& which) noexcept : core_(which) {}
    void deliver() override { core_.stop(); }

   private:
    application_core& core_;
  };
  try {
    self_->door().send_answer(std::make_unique<stop_all>(*this));
  } catch (const std::bad_alloc&) {
    std::fputs("no memory to ask the first event loop for a stop\n", stderr);
  }
}

// Each loop shows its own, when it comes to it.
void application_core::show_tasks_elsewhere() const noexcept {
  try {
    for (const auto& worker : workers_) worker->show_tasks();
  } catch (const std::bad_alloc&) {
    std::fputs("no memory to show what the tasks of all event loops wait for\n", stderr);
  }
}

std::string application_core::tasks_heading() const {
  if (seat_) return fmt::format("event loop {}:\n", seat_->number);
  return workers_.empty() ? std::string() : "event loop 1:\n";
}

// The others.

bool application_core::run_beside(const std::function<void(const loop_ref&)>& begun) {
  const presence here(*this);
  try {
    start();
  } catch (...) {
    finish();
    throw;
  }
  begun(loop_ref(*loop_));
  try {
    loop_->run_until([this] { return advance(); });
  } catch (const std::exception& e) {  // for want of memory
    log::error("{}{}; the application stops", who(), e.what());
    status_ = status_refused;
  }
  finish();
  return status_ != status_refused;
}

void application_core::stop_beside(bool makes_way) noexcept {
  stop_wanted_ = true;
  makes_way_ = makes_way;
}

void application_core::cancel_idle_beside() noexcept {
  makes_way_ = false;
  if (stop_) stop_->cancel_idle_handlers();
}

void application_core::add_beside(std::unique_ptr<task_entry> entry) {
  if (stop_) return;
  if (entries_.size() > 2 * entries_kept_ + 16) drop_ended_tasks();
  entries_.push_back(std::move(entry));
  unstarted_ = true;
}

}  // namespace cetane::detail
