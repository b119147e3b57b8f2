#include <app/application_core.hpp>

#include <app/version_text.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

constinit thread_local application_core* running_application = nullptr;

// The name of a service as part of an option: "Line Counter" gives "line-counter".
std::string option_name(std::string_view service_name) {
  std::string name;
  for (const char c : service_name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
  }
  return name;
}

}  // namespace

application_core::application_core(command_line line, event_loop* loop)
    : line_(std::move(line)), options_(line_), loop_(loop) {}

application_core::~application_core() = default;

application_core* application_core::current() noexcept { return running_application; }

service& application_core::add_service(service added, service_core& core) {
  if (stop_) throw std::logic_error("a service is added to an application that stops");
  services_.push_back(std::make_unique<service>(std::move(added)));
  cores_.push_back(&core);
  port_options_.emplace_back();
  if (scope_) start_late_service();
  return *services_.back();
}

void application_core::start_late_service() {
  try {
    settle_place(cores_.size() - 1);
    start_service(cores_.size() - 1);
  } catch (...) {
    port_options_.pop_back();
    cores_.pop_back();
    services_.pop_back();
    throw;
  }
  say_where(*cores_.back());
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

int application_core::run() {
  if (std::exchange(ran_, true)) throw std::logic_error("an application runs only once");
  application_core* const around = std::exchange(running_application, this);
  const scope_exit over([&] {
    finish();
    running_application = around;
  });
  try {
    return run_if_asked_to();
  } catch (const error& e) {  // from the start: a running loop throws nothing
    complain(e.what());
    return status_refused;
  }
}

int application_core::run_if_asked_to() {
  for (std::size_t i = 0; i < cores_.size(); ++i) settle_place(i);
  if (const std::optional<int> answer = answer_at_once()) return *answer;
  start();
  loop_->run_until([this] { return advance(); });
  return status_;
}

// --help, --version, and a command line that is not to be followed.
std::optional<int> application_core::answer_at_once() {
  if (!line_.has_sources()) return std::nullopt;
  const bool help = line_.has_word("--help");
  const bool version = line_.has_word("--version");
  if (help || version) {
    fmt::print("{}", help ? line_.help() : version_text());
    std::fflush(stdout);
    return 0;
  }
  const auto fault = line_.first_fault();
  if (!fault) return std::nullopt;
  complain(fault->text);
  if (fault->status == status_usage) fmt::print(stderr, "{}\n", line_.usage());
  return fault->status;
}

void application_core::complain(const std::string& text) const {
  fmt::print(stderr, "{}: {}\n", line_.program(), text);
}

void application_core::start() {
  make_loop();
  scope_.emplace(&loop_->scope());
  scope_->be_home();
  if (wants_signals_) signals_.emplace(*loop_, [this](int number) { on_signal(number); });
  for (std::size_t i = 0; i < cores_.size(); ++i) start_service(i);
  for (const service_core* const core : cores_) say_where(*core);
}

void application_core::make_loop() {
  if (loop_ != nullptr) return;
  const std::optional<backend_choice> choice = options_.backend ? options_.backend : backend_;
  std::string fell_back;
  own_loop_ =
      std::make_unique<event_loop>(choice ? make_backend(*choice, &fell_back) : make_backend());
  loop_ = own_loop_.get();
  if (!fell_back.empty()) log::info("using the backend {}: {}", loop_->io().name(), fell_back);
}

// Where a service listens, as the options say. --port and --uds are for the first one.
void application_core::settle_place(std::size_t index) {
  if (!line_.has_sources()) return;
  service_core& core = *cores_[index];
  if (options_.host) core.set_host(*options_.host);
  if (index == 0 && options_.uds) return core.set_unix_path(address::unix_path(*options_.uds));
  if (core.is_unix()) {
    if (index == 0 && options_.port)
      line_.complain("--port: the first service is on a Unix socket", status_refused);
    return;
  }
  if (index == 0) {
    port_options_[index] = "--port";
    line_.set_help("port", fmt::format("listen on this TCP port; 0 picks a free one ({})",
                                       core.wanted_port()));
    if (options_.port) core.set_port(*options_.port);
  }
  if (!core.name().empty()) settle_named_port(index);
}

void application_core::settle_named_port(std::size_t index) {
  service_core& core = *cores_[index];
  const std::string name = option_name(core.name()) + "-port";
  if (line_.has_option(name)) return;  // two services of one name
  const option& own =
      line_.add(name, "PORT", fmt::format("the port of {} ({})", core.name(), core.wanted_port()),
                std::int64_t{0});
  if (const auto port = read_port(line_, own)) core.set_port(*port);
  if (index > 0) port_options_[index] = "--" + name;
}

void application_core::start_service(std::size_t index) {
  cores_[index]->start(*loop_, *scope_, port_options_[index]);
}

// Tests that run an application on a loop of theirs have no use for a line on stdout.
void application_core::say_where(const service_core& core) const {
  if (!own_loop_) return;
  fmt::print("listening on {}\n", core.bound().uri("tcp"));
  std::fflush(stdout);
}

void application_core::on_signal(int number) {
  if (number == SIGUSR1) {
    fmt::print(stderr, "{}", loop_->dump_tasks());
    return;
  }
  if (stop_wanted_) {
    hurried_ = true;
    status_ = status_of_signal(number);
  } else {
    stop_signal_ = number;
    stop_wanted_ = true;
  }
}

// Asked by the loop before and after each wait.
bool application_core::advance() {
  if (unstarted_) start_tasks();
  if (!stop_) {
    if (main_ended_ && main_ended_()) stop_wanted_ = true;
    if (!stop_wanted_) return false;
    begin_stop();
  }
  if (hurried_) stop_->hurry();
  return stop_->advance();
}

void application_core::start_tasks() {
  unstarted_ = false;
  for (const auto& entry : entries_) {
    try {
      entry->start(*loop_, *scope_);
    } catch (const std::exception& e) {
      log::error("a task could not be started: {}", e.what());
    }
  }
}

void application_core::begin_stop() {
  const duration drain = options_.drain.value_or(drain_.value_or(default_drain));
  if (options_.drain) {
    for (service_core* const core : cores_) core->set_grace(drain);
  }
  stop_.emplace(work_in_hand{*loop_, own_loop_ != nullptr, *scope_, cores_, entries_}, drain);
  for (const auto& call : on_stop_) {
    try {
      call();
    } catch (const std::exception& e) {
      log::error("a function for the stop failed: {}", e.what());
    }
  }
  if (main_ended_) return;
  const std::size_t count = stop_->connections();
  log::info("stopping: {} connection{}, up to {}{}", count, count == 1 ? "" : "s",
            duration_text(drain), signals_ ? " (Ctrl-C again to stop now)" : "");
}

void application_core::finish() {
  if (stop_) {
    stop_->cut_rest();
    const std::size_t cut = stop_->connections_cut();
    if (!main_ended_) log::info("stopped: {} drained, {} cut", stop_->connections() - cut, cut);
  }
  stop_.reset();
  signals_.reset();
  for (service_core* const core : cores_) core->leave_loop();
  entries_.clear();
  scope_.reset();
  own_loop_.reset();
  loop_ = nullptr;
}

}  // namespace cetane::detail
