#include <cetane/app/udp_service.hpp>

#include <app/service_of_core.hpp>
#include <app/standard_options.hpp>
#include <app/udp_service_core.hpp>
#include <app/udp_session_core.hpp>

#include <utility>

namespace cetane::detail {

service make_udp_service(std::unique_ptr<handler_of<udp_socket>> handler, int port) {
  return service_of_core::make(
      new udp_service_core(std::move(handler), default_host, checked_port(port)));
}

service make_udp_service(std::unique_ptr<handler_of<udp_socket>> handler, const std::string& path) {
  return service_of_core::make(new udp_service_core(std::move(handler), address::unix_path(path)));
}

service make_udp_session_service(std::unique_ptr<handler_of<udp_peer>> handler, int port) {
  return service_of_core::make(
      new udp_session_core(std::move(handler), default_host, checked_port(port)));
}

}  // namespace cetane::detail
