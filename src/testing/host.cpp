#include <cetane/testing/host.hpp>

#include <testing/machine.hpp>

#include <utility>

namespace cetane::testing {

host::host(simulation& network, std::string name)
    : machine_(std::make_unique<machine>(network, std::move(name))) {}

host::~host() = default;

const std::string& host::name() const noexcept { return machine_->at().name(); }

std::string host::ip() const { return machine_->at().ipv4().host(); }

served host::serve(service fresh) {
  fresh.start(machine_->loop());
  return served(std::move(fresh), machine_->services());
}

program host::run(std::function<void(application&)> set_up) {
  return program(*machine_, std::move(set_up));
}

void host::crash() { machine_->crash(); }
void host::restart() { machine_->restart(); }
bool host::up() const noexcept { return machine_->up(); }
event_loop& host::loop() { return machine_->loop(); }

}  // namespace cetane::testing
