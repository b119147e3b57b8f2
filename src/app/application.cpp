#include <cetane/app/application.hpp>

#include <app/application_core.hpp>
#include <app/option_text.hpp>

#include <stdexcept>
#include <utility>

namespace cetane {
namespace {

std::string metavar_for(const detail::option_value& value) {
  if (std::holds_alternative<std::string>(value)) return "TEXT";
  if (std::holds_alternative<std::int64_t>(value)) return "NUMBER";
  return std::holds_alternative<duration>(value) ? "TIME" : "";
}

// What the program takes when the user says nothing stands behind what the option is for.
std::string with_default(std::string help, const detail::option_value& value) {
  if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !text->empty())
    return help + " (" + *text + ")";
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return help + " (" + std::to_string(*number) + ")";
  if (const auto* span = std::get_if<duration>(&value))
    return help + " (" + detail::span_text(*span) + ")";
  return help;
}

}  // namespace

application::application(std::unique_ptr<detail::application_core> core) : core_(std::move(core)) {}

application::application()
    : application(std::make_unique<detail::application_core>(detail::command_line(), nullptr)) {}

application::application(int argc, char** argv)
    : application(
          std::make_unique<detail::application_core>(detail::command_line(argc, argv), nullptr)) {
  core_->want_signals();
}

application::application(event_loop& loop)
    : application(std::make_unique<detail::application_core>(detail::command_line(), &loop)) {}

application::~application() = default;

service& application::add_service(service added) {
  if (added.core_ == nullptr) {
    throw std::logic_error(
        "add_service: this service was moved away; add the one that it was moved to");
  }
  detail::service_base& core = *added.core_;
  return core_->add_service(std::move(added), core);
}

task_entry& application::add_kept_task(std::unique_ptr<detail::unstarted_task> task) {
  return core_->add_task(std::move(task));
}

option& application::add_option_of(std::string name, detail::option_value default_value,
                                   std::string help) {
  std::string metavar = metavar_for(default_value);
  std::string text = with_default(std::move(help), default_value);
  return core_->line().add(std::move(name), std::move(metavar), std::move(text),
                           std::move(default_value));
}

void application::on_stop(std::function<void()> call) { core_->on_stop(std::move(call)); }
void application::stop() { core_->stop(); }

application& application::handle_signals() {
  core_->want_signals();
  return *this;
}

application& application::drain(any_duration limit) {
  core_->set_drain(limit);
  return *this;
}

application& application::restart_limit(any_duration limit) {
  core_->set_restart_limit(limit);
  return *this;
}

application& application::backend(backend_choice choice) {
  core_->set_backend(choice);
  return *this;
}

application& application::prefork(const prefork_options& wanted) {
  core_->set_prefork(wanted);
  return *this;
}

application& application::one_process(std::string why) {
  core_->keep_in_one_process(std::move(why));
  return *this;
}

application& application::workers(std::size_t count) {
  core_->set_workers(count);
  return *this;
}

application& application::one_loop(std::string why) {
  core_->keep_on_one_loop(std::move(why));
  return *this;
}

int application::run() { return core_->run(); }

}  // namespace cetane
