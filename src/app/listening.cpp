#include <app/listening.hpp>

#include <app/lack_remedy.hpp>

#include <cetane/base/text.hpp>

#include <cerrno>
#include <memory>
#include <optional>

#include <utility>

#include <fmt/format.h>

#include <netdb.h>
#include <sys/socket.h>

namespace cetane::detail {
namespace {

constexpr std::uint16_t first_free_port = 1024;
constexpr std::uint16_t last_port = 65535;

std::string another_port(const address& where, const std::string& option) {
  if (where.port() == 0)
    return "all free ports are in use; see the sysctl net.ipv4.ip_local_port_range";
  const int next = where.port() == last_port ? where.port() - 1 : where.port() + 1;
  return option.empty() ? fmt::format("try port {}, or port 0 for any free port", next)
                        : fmt::format("try {} {}, or {} 0 for any free port", option, next, option);
}

std::string tcp_remedy(const address& where, int code, const std::string& option) {
  switch (code) {
    case EADDRINUSE:
      return another_port(where, option);
    case EACCES:
      if (where.port() == 0 || where.port() >= first_free_port) return {};
      return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; " +
             another_port(where.with_port(first_free_port * 8 - 1), option);
    case EADDRNOTAVAIL:
      return "this machine has no such address; try 127.0.0.1, or 0.0.0.0 for all it has";
    case EAFNOSUPPORT:
      return "this machine has no such kind of address; try 127.0.0.1";
    default:
      return {};
  }
}

std::string unix_remedy(int code) {
  switch (code) {
    case EADDRINUSE:
      return "try another path, or remove the file";
    case ENOENT:
    case ENOTDIR:
      return "the folder has to be there first";
    default:
      return {};
  }
}

std::string remedy(const address& where, int code, const std::string& option) {
  if (const std::string_view help = lack_remedy(code); !help.empty()) return std::string(help);
  return where.is_unix() ? unix_remedy(code) : tcp_remedy(where, code, option);
}

// What the system says when it could not even open its files is that there is no such name.
error no_place(const std::string& host, std::uint16_t port, int failed, int error_number) {
  const std::string_view lack = lack_remedy(error_number);
  const resolve_error why(host, lack.empty() ? failed : EAI_SYSTEM, error_number);
  const std::string_view help =
      lack.empty() ? "try 127.0.0.1, or 0.0.0.0 for all addresses of this machine" : lack;
  return error(error::whole_text(fmt::format("cannot listen on {}:{}: {}; {}", escape(host), port,
                                             reason_text(why.code()), help)),
               why.code());
}

}  // namespace

error cannot_listen(const address& where, int code, const std::string& port_option,
                    const std::optional<os::port_holder>& holder) {
  const std::error_code why = system_code(code);
  std::string text = fmt::format("cannot listen on {}: {}", where, reason_text(why));
  if (holder) text += fmt::format(" (held by pid {} \"{}\")", holder->pid, holder->name);
  const std::string help = remedy(where, why.value(), port_option);
  if (!help.empty()) text += "; " + help;
  return error(error::whole_text(std::move(text)), why);
}

address listening_place(const std::string& host, std::uint16_t port) {
  if (const std::optional<address> numeric = address::parse_ip(host, port)) return *numeric;
  if (host == "localhost")
    return listening_place("127.0.0.1", port);  // whatever the machine's files say
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  errno = 0;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (failed != 0) throw no_place(host, port, failed, errno);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  return address::from_sockaddr(list->ai_addr, list->ai_addrlen).with_port(port);
}

}  // namespace cetane::detail
