#include <cetane/socketserver/endpoint.hpp>

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>

namespace cetane::socketserver {

address endpoint::resolve(cetane::address_family family) const {
  if (known_.family() != cetane::address_family::none) return known_;
  const bool v6 = family == cetane::address_family::ipv6;
  if (host_ == "localhost") {  // whatever the machine's files say (RFC 6761 section 6.3)
    return *address::parse_ip(v6 ? "::1" : "127.0.0.1", port_);
  }

  // A zero byte would end the name early on its way through the system.
  if (host_.find('\0') != std::string::npos) throw resolve_error(host_, EAI_NONAME);

  addrinfo wanted{};
  wanted.ai_family = v6 ? AF_INET6 : AF_INET;
  wanted.ai_socktype = SOCK_STREAM;  // one answer for each address
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* first = nullptr;
  const int failed = ::getaddrinfo(host_.empty() ? nullptr : host_.c_str(), "0", &wanted, &first);
  if (failed != 0) throw resolve_error(host_, failed, errno);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> answers(first, ::freeaddrinfo);
  return address::from_sockaddr(first->ai_addr, first->ai_addrlen).with_port(port_);
}

}  // namespace cetane::socketserver
