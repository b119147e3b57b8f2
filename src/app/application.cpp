#include <cetane/app/application.hpp>

#include <app/service_core.hpp>
#include <os/signals.hpp>

#include <cetane/backend/make_backend.hpp>
#include <cetane/base/errors.hpp>

#include <csignal>
#include <cstdio>
#include <list>
#include <string_view>

#include <fmt/format.h>

namespace cetane {
namespace detail {

class application_core : poll_io {
 public:
  application_core(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; ++i) {
      if (std::string_view(argv[i]) == "--port") port = std::atoi(argv[i + 1]);
      if (std::string_view(argv[i]) == "--host") host = argv[i + 1];
    }
    if (argc > 0) watcher.emplace({SIGINT, SIGTERM});
  }

  int run() {
    event_loop loop(make_backend());
    for (service* s : services) s->start(loop);
    for (service* s : services) fmt::print("listening on {}\n", s->listening_at().uri("tcp"));
    std::fflush(stdout);
    if (watcher) {
      descriptor = watcher->fd();
      loop.io().watch(*this);
    }
    loop.run_until([this] { return stopping; });
    services.clear();
    owned.clear();
    if (watcher) loop.io().unwatch(*this);
    return 0;
  }
  void on_ready() noexcept override {
    while (watcher->next() != 0) stopping = true;
  }

  std::string host;
  int port = -1;
  bool stopping = false;
  std::optional<os::signal_watcher> watcher;
  std::list<service> owned;
  std::list<service*> services;
};

}  // namespace detail

application::application() : core_(new detail::application_core(0, nullptr)) {}
application::application(int argc, char** argv) : core_(new detail::application_core(argc, argv)) {}
application::~application() = default;

service& application::add_service(service added) {
  if (core_->port >= 0 && core_->owned.empty()) added.core_->set_port(core_->port);
  if (!core_->host.empty()) added.core_->set_host(core_->host);
  core_->owned.push_back(std::move(added));
  core_->services.push_back(&core_->owned.back());
  return core_->owned.back();
}
void application::stop() { core_->stopping = true; }
int application::run() { return core_->run(); }

}  // namespace cetane
