#include <app/inherit_sockets.hpp>

#include <app/listening.hpp>
#include <net/socket_file.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

const log::logger inherited_log("application");

bool suits(const os::inherited_socket& socket, const service_base& service) {
  if (!socket.unfit.empty() || socket.datagrams != service.speaks_datagrams()) return false;
  // Sessions are told apart by addresses that Unix datagrams need not have.
  return !socket.datagrams || socket.bound.is_unix() == service.is_unix();
}

bool has_name_of(const os::inherited_socket& socket, const service_base& service) {
  if (service.name().empty()) return false;
  const std::string name = os::descriptor_name(service.name());
  return socket.name == name || socket.name == name + ".socket";
}

address wanted_address(const service_base& service) {
  return service.is_unix() ? service.bound()
                           : listening_place(service.host(), service.wanted_port());
}

// A port that the system picks is any.
bool is_where_wanted(const os::inherited_socket& socket, const address& wanted) {
  const bool any_port = !wanted.is_unix() && wanted.port() == 0;
  return (any_port ? socket.bound.with_port(0) : socket.bound) == wanted;
}

class heirs {
 public:
  heirs(std::vector<os::inherited_socket>& sockets, const std::vector<service_base*>& services)
      : sockets_(sockets), left_(services) {}

  /// Gives each service that has none the first socket that is its own.
  template <class IsOf>
  void give_where(IsOf&& is_of) {
    std::erase_if(left_, [&](service_base* service) {
      const auto found = std::find_if(sockets_.begin(), sockets_.end(), [&](const auto& socket) {
        return suits(socket, *service) && is_of(socket, *service);
      });
      if (found == sockets_.end()) return false;
      service->set_inherited(std::move(*found));
      sockets_.erase(found);
      return true;
    });
  }

 private:
  std::vector<os::inherited_socket>& sockets_;
  std::vector<service_base*> left_;
};

std::string describe(const os::inherited_socket& socket) {
  const std::string name = escape(socket.name);
  if (!socket.unfit.empty()) return fmt::format("descriptor \"{}\"", name);
  return fmt::format("socket \"{}\", {},", name,
                     socket.bound.uri(socket.datagrams ? "udp" : "tcp"));
}

void refuse(os::inherited_socket& socket) {
  inherited_log.warning("the inherited {} is closed: {}", describe(socket),
                        socket.unfit.empty() ? "no service has its name or address" : socket.unfit);
  socket_file file;
  if (socket.file_is_ours) file.made_at(socket.bound);
  socket.fd.reset();
  file.remove();
}

}  // namespace

void inherit_sockets(std::vector<os::inherited_socket> sockets,
                     const std::vector<service_base*>& services) {
  if (sockets.empty()) return;
  heirs all(sockets, services);
  all.give_where(has_name_of);
  const auto is_at = [](const os::inherited_socket& socket, const service_base& service) {
    return is_where_wanted(socket, wanted_address(service));
  };
  all.give_where([&](const os::inherited_socket& socket, const service_base& service) {
    return (service.is_unix() || service.wanted_port() != 0) && is_at(socket, service);
  });
  all.give_where(is_at);
  std::for_each(sockets.begin(), sockets.end(), refuse);
}

}  // namespace cetane::detail
