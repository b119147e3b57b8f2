#pragma once

#include <app/service_base.hpp>

#include <cetane/os/address.hpp>

#include <string>
#include <string_view>

namespace cetane::detail {

/// What the two kinds of services of datagrams have in common: one process, one loop.
class udp_service_base : public service_base {
 public:
  using service_base::service_base;

  std::string_view scheme() const noexcept override { return "udp"; }
  void set_runner(runner_factory make, std::size_t most) override;
  void secure(std::shared_ptr<const security> how) override;
  void open_for_workers(const std::string& port_option) override;
  void close_for_workers() noexcept override {}
  void end_delivered() noexcept override {}
  std::size_t connections() const noexcept override { return handlers_running(); }
};

}  // namespace cetane::detail
