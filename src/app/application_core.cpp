#include <app/application_core.hpp>

#include <app/lack_remedy.hpp>
#include <app/named_topics.hpp>
#include <app/write_text.hpp>
#include <os/fork_hook.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

constinit thread_local application_core* running_application = nullptr;

// The parent's goes on without its children.
struct application_forgotten_in_child {
  void in_child(std::span<const int>) noexcept { running_application = nullptr; }
  os::fork_hook hook{*this};
};

application_forgotten_in_child forgotten;

// Calls what is the program's own; its failure is the program's, and the application goes on.
template <class Call>
void call_guarded(const char* what, Call&& call) {
  try {
    call();
  } catch (const std::exception& e) {
    log::error("{} failed: {}", what, e.what());
  } catch (...) {
    log::error("{} failed with something that is no std::exception", what);
  }
}

std::string with_remedy(const error& e) {
  const std::string text = e.what();
  const std::string_view help = lack_remedy(e.code().value());
  return help.empty() || text.ends_with(help) ? text : fmt::format("{}; {}", text, help);
}

}  // namespace

application_core::application_core(command_line line, event_loop* loop)
    : line_(std::move(line)),
      options_(line_),
      topics_(std::make_shared<named_topics>()),
      loop_(loop) {}

application_core::~application_core() = default;

application_core* application_core::current() noexcept { return running_application; }

application_core::presence::presence(application_core& here) noexcept
    : around_(std::exchange(running_application, &here)) {}

application_core::presence::~presence() { running_application = around_; }

service& application_core::add_service(service added, service_base& core) {
  if (stop_) throw std::logic_error("a service is added to an application that stops");
  services_.push_back(std::make_unique<service>(std::move(added)));
  cores_.push_back(&core);
  port_options_.emplace_back();
  if (scope_) start_late_service();
  return *services_.back();
}

task_entry& application_core::add_task(std::unique_ptr<unstarted_task> task) {
  if (entries_.size() > 2 * entries_kept_ + 16) drop_ended_tasks();
  entries_.push_back(std::unique_ptr<task_entry>(new task_entry(std::move(task))));
  unstarted_ = true;
  return *entries_.back();
}

// So that a program that adds tasks again and again does not grow.
void application_core::drop_ended_tasks() {
  entries_.remove_if([](const auto& entry) { return entry->ended(); });
  entries_kept_ = entries_.size();
}

void application_core::run_only_once() {
  if (std::exchange(ran_, true)) throw std::logic_error("an application runs only once");
}

int application_core::run() {
  run_only_once();
  return run_here([this] { return run_if_asked_to(); });
}

int application_core::run_here(const std::function<int()>& run) {
  const presence here(*this);
  const scope_exit over([&] { finish(); });
  try {
    return run();
  } catch (const error& e) {  // from the start: a running loop throws nothing
    complain(with_remedy(e));
  } catch (const std::bad_alloc&) {
    complain("cannot start: there is not enough memory");
  }
  return status_refused;
}

int application_core::run_if_asked_to() {
  if (line_.has_sources()) show_defaults(line_, defaults());
  for (std::size_t i = 0; i < cores_.size(); ++i) settle_place(i);
  settle_processes();
  settle_workers();
  if (const std::optional<int> answer = answer_at_once()) return *answer;
  if (serves_others()) meet_outside();
  return prefork_ ? run_workers() : serve();
}

int application_core::serve() {
  start();
  say_ready();
  if (manager_.watchdog() > duration::zero()) watchdog_.emplace(*loop_, manager_);
  loop_->run_until([this] { return advance(); });
  return status_;
}

void application_core::on_signal(int number) {
  if (number == SIGUSR1) {
    show_tasks();
    show_tasks_elsewhere();
    return;
  }
  if (number == SIGUSR2) return begin_restart();
  if (link_) return on_signal_of_master(number);
  if (stop_ && std::exchange(makes_way_, false)) {  // it was in no hurry, and now it is
    stop_->cancel_idle_handlers();
    for (const auto& worker : workers_) worker->cancel_idle_handlers();
  } else if (stop_wanted_) {
    hurried_ = true;
    status_ = status_of_signal(number);
  } else {
    stop_signal_ = number;
    stop_wanted_ = true;
  }
}

// A look inside is no reason to end.
void application_core::show_tasks() const noexcept {
  try {
    write_text(stderr, tasks_heading() + loop_->dump_tasks());
  } catch (...) {
    std::fputs("no memory to show what the tasks wait for\n", stderr);
    std::fflush(stderr);
  }
}

// Asked by the loop before and after each wait.
bool application_core::advance() {
  if (unstarted_) start_tasks();
  if (!stop_) {
    if (main_ended_ && main_ended_()) stop_wanted_ = true;
    make_way();
    if (!stop_wanted_) return false;
    begin_stop();
  }
  if (hurried_) stop_->hurry();
  return stop_->advance() && (hurried_ || workers_ended());
}

void application_core::start_tasks() {
  unstarted_ = false;
  if (!workers_.empty()) {
    call_guarded("the start of tasks on each event loop", [&] { spread_tasks(); });
  }
  for (const auto& entry : entries_) {
    call_guarded("the start of a task", [&] { entry->start(*loop_, *scope_); });
  }
}

void application_core::begin_stop() {
  restart_.reset();
  if (heir_ == 0) manager_.stopping();
  const duration drain = options_.drain.value_or(drain_.value_or(default_drain));
  if (options_.drain) {
    for (service_base* const core : cores_) core->set_grace(drain);
  }
  stop_.emplace(work_in_hand{*loop_, own_loop_ != nullptr, *scope_, cores_, entries_}, drain,
                makes_way_ ? idle_handlers::go_on : idle_handlers::are_cancelled);
  for (std::size_t i = 0; i < on_stop_.size(); ++i) {  // one may add another
    call_guarded("a function for the stop", std::exchange(on_stop_[i], nullptr));
  }
  for (const auto& worker : workers_) worker->begin_stop(makes_way_);
  if (main_ended_ || seat_) return;
  const std::size_t count = stop_->connections();
  log::info("{}stopping: {} connection{}, up to {}{}", who(), count, count == 1 ? "" : "s",
            duration_text(drain), signals_ && !link_ ? " (Ctrl-C again to stop now)" : "");
}

void application_core::finish() {
  end_workers();
  if (stop_) {
    stop_->cut_rest();
    const std::size_t cut = stop_->connections_cut();
    if (!main_ended_ && !seat_) {
      log::info("{}stopped: {} drained, {} cut", who(), stop_->connections() - cut, cut);
    }
  }
  stop_.reset();
  restart_.reset();
  watchdog_.reset();
  signals_.reset();
  link_.reset();
  for (service_base* const core : cores_) core->leave_loop();
  workers_.clear();
  self_.reset();
  entries_.clear();
  if (loop_ != nullptr) loop_->set_home(nullptr);
  scope_.reset();
  own_loop_.reset();
  loop_ = nullptr;
}

}  // namespace cetane::detail
