#include <app/udp_service_base.hpp>

#include <app/connection_runner.hpp>

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <stdexcept>

namespace cetane::detail {

void udp_service_base::set_runner(runner_factory, std::size_t) {
  throw std::logic_error("run_in: a service of datagrams has no connections to give away");
}

void udp_service_base::secure(std::shared_ptr<const security>) {
  throw std::logic_error("tls: a service of datagrams is to serve over TLS, which is for streams");
}

void udp_service_base::open_for_workers(const std::string&) {
  throw error(error::whole_text("--processes: a service of datagrams runs in one process, since "
                                "the system would spread the datagrams of one peer over all"),
              system_code(ENOTSUP));
}

}  // namespace cetane::detail
