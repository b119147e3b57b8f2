// How an application starts: what its options say, its loop, its services.
#include <app/application_core.hpp>
#include <app/version_text.hpp>
#include <app/write_text.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cstdio>
#include <string_view>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

// The name of a service as part of an option: "Line Counter" gives "line-counter". Empty when
// nothing of it can be one.
std::string option_name(std::string_view service_name) {
  std::string name;
  for (const char c : service_name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
  }
  return name.erase(0, name.find_first_not_of('-'));
}

}  // namespace

// --help, --version, and a command line that is not to be followed.
std::optional<int> application_core::answer_at_once() {
  if (!line_.has_sources()) return std::nullopt;
  const bool help = line_.has_word("--help");
  const bool version = line_.has_word("--version");
  if (help || version) {
    write_text(stdout, help ? line_.help() : version_text());
    return 0;
  }
  const auto fault = line_.first_fault();
  if (!fault) return std::nullopt;
  complain(fault->text);
  if (fault->status == status_usage) write_text(stderr, line_.usage() + "\n");
  return fault->status;
}

program_defaults application_core::defaults() const {
  program_defaults program;
  if (!cores_.empty() && !cores_[0]->host().empty()) program.host = cores_[0]->host();
  program.serves = !cores_.empty();
  if (backend_) program.backend = *backend_;
  if (drain_) program.drain = *drain_;
  program.workers = workers_wanted_.value_or(1);
  return program;
}

void application_core::complain(const std::string& text) const {
  write_text(stderr, fmt::format("{}: {}\n", line_.program(), text));
}

void application_core::start() {
  make_loop();
  scope_.emplace(&loop_->scope());
  scope_->be_home();
  loop_->set_home(&*scope_);
  handle_signals();
  if (loops_ > 1) start_workers();
  for (std::size_t i = 0; i < cores_.size(); ++i) start_service(i);
  for (const service_base* const core : cores_) say_where(*core);
}

void application_core::make_loop() {
  if (loop_ != nullptr) return;
  const std::optional<backend_choice> choice = options_.backend ? options_.backend : backend_;
  std::string fell_back;
  own_loop_ =
      std::make_unique<event_loop>(choice ? make_backend(*choice, &fell_back) : make_backend());
  loop_ = own_loop_.get();
  if (!fell_back.empty() && !seat_)
    log::info("using the backend {}: {}", loop_->io().name(), fell_back);
}

// Where a service listens, as the options say. --port and --uds are for the first one.
void application_core::settle_place(std::size_t index) {
  if (!line_.has_sources()) return;
  service_base& core = *cores_[index];
  if (options_.host) core.set_host(*options_.host);
  if (index == 0 && options_.uds) return core.set_unix_path(address::unix_path(*options_.uds));
  if (core.is_unix()) {
    if (index == 0 && options_.port)
      line_.complain("--port: the first service is on a Unix socket", status_refused);
    return;
  }
  if (index == 0) {
    port_options_[index] = "--port";
    line_.set_help("port", fmt::format("listen on this {} port; 0 picks a free one ({})",
                                       core.scheme() == "udp" ? "UDP" : "TCP", core.wanted_port()));
    if (options_.port) core.set_port(*options_.port);
  }
  if (!core.name().empty()) settle_named_port(index);
}

void application_core::settle_named_port(std::size_t index) {
  service_base& core = *cores_[index];
  const std::string prefix = option_name(core.name());
  const std::string name = prefix + "-port";
  if (prefix.empty() || line_.has_option(name)) return;  // or two services of one name
  const option& own =
      line_.add(name, "PORT", fmt::format("the port of {} ({})", core.name(), core.wanted_port()),
                std::int64_t{0});
  if (const auto port = read_port(line_, own)) core.set_port(*port);
  if (index > 0) port_options_[index] = "--" + name;
}

void application_core::start_service(std::size_t index) {
  cores_[index]->start(*loop_, *scope_, port_options_[index]);
}

// Tests that run an application on a loop of theirs have no use for a line on stdout. Of workers
// their master speaks.
void application_core::say_where(const service_base& core) const {
  if (link_ || seat_ || (loop_ != nullptr && !own_loop_)) return;
  write_text(stdout, fmt::format("listening on {}{}\n", core.bound().uri(core.scheme()),
                                 core.is_inherited() ? " (inherited)" : ""));
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

}  // namespace cetane::detail
