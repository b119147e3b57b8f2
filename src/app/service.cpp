#include <cetane/app/service.hpp>

#include <app/blocking_session.hpp>
#include <app/connection_runner.hpp>
#include <app/lone_session.hpp>
#include <app/service_core.hpp>
#include <app/standard_options.hpp>

#include <cetane/app/offload.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <stdexcept>

#include <fmt/format.h>

namespace cetane {
namespace {

void run_blocking(detail::service_base& core, const offloaded_handler& handler) {
  core.set_runner(
      [make = handler.factory()](detail::service_core& of) {
        return detail::make_thread_runner(
            of, [make] { return std::make_unique<detail::blocking_session>(make); });
      },
      handler.max_threads());
}

}  // namespace

service::service(offloaded_handler handler, int port)
    : service(std::unique_ptr<detail::bound_handler>(), port) {
  run_blocking(*core_, handler);
}

service unix_service(offloaded_handler handler, std::string path) {
  service made(std::unique_ptr<detail::bound_handler>(), std::move(path));
  run_blocking(*made.core_, handler);
  return made;
}

service::service(std::unique_ptr<detail::bound_handler> handler, int port)
    : core_(new detail::service_core(std::move(handler), detail::default_host,
                                     detail::checked_port(port))) {}

service::service(std::unique_ptr<detail::bound_handler> handler, std::string path)
    : core_(new detail::service_core(std::move(handler), address::unix_path(path))) {}

service::~service() {
  if (core_ == nullptr) return;
  core_->stop_listening();
  core_->end_outsiders();
  core_->release();
}

service& service::name(std::string text) & {
  core_->set_name(std::move(text));
  return *this;
}

service& service::host(std::string text) & {
  core_->set_host(std::move(text));
  return *this;
}

service& service::idle_timeout(any_duration span) & {
  core_->set_idle_timeout(span);
  return *this;
}

service& service::max_connections(std::size_t count) & {
  core_->limits().max_connections = count;
  return *this;
}

service& service::grace(any_duration span) & {
  core_->set_grace(span);
  return *this;
}

service& service::limits(const service_limits& limits) & {
  core_->set_limits(limits);
  return *this;
}

service& service::limits(const connection_limits& limits) & {
  core_->limits().connection = limits;
  return *this;
}

service& service::limits(const udp_limits& limits) & {
  core_->limits().udp = limits;
  return *this;
}

service& service::tls(std::shared_ptr<const detail::security> how) & {
  core_->secure(std::move(how));
  return *this;
}

service& service::run_in(const process_per_connection& where) & {
  core_->set_runner(detail::make_process_runner, where.max_children());
  return *this;
}

service& service::run_in(const thread_per_connection& where) & {
  core_->set_runner(
      [](detail::service_core& core) {
        return detail::make_thread_runner(
            core, [&core] { return std::make_unique<detail::lone_session>(core); });
      },
      where.max_threads());
  return *this;
}

service& service::on_first_loop() & {
  core_->keep_on_first_loop();
  return *this;
}

void service::start(event_loop& loop) { core_->start(loop, loop.scope()); }
void service::stop() noexcept { core_->stop_listening(); }
void service::end_now() noexcept { core_->end_now(); }
std::uint16_t service::port() const noexcept { return core_->bound().port(); }
const address& service::listening_at() const noexcept { return core_->bound(); }
std::size_t service::connections() const noexcept { return core_->connections(); }

}  // namespace cetane
