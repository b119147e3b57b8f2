#include <cetane/net/resolve.hpp>

#include <net/name_cache.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/thread.hpp>
#include <cetane/runtime/this_task.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include <netdb.h>
#include <strings.h>
#include <sys/socket.h>

namespace cetane {
namespace {

constexpr const char* loopback = "127.0.0.1";

// A loop has a thread of its own, and so its names have.
detail::name_cache& names() {
  thread_local detail::name_cache cache(default_name_cache_entries, default_name_cache_age);
  return cache;
}

// RFC 6761, 6.3. Asking the system would work on most machines, and on one without /etc/hosts it
// would ask the network.
bool is_localhost(std::string_view host) {
  constexpr std::string_view name = "localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() < name.size()) return false;
  const std::string_view last = host.substr(host.size() - name.size());
  const bool below = host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
  return below && strncasecmp(last.data(), name.data(), name.size()) == 0;
}

void add(std::vector<address>& to, const std::optional<address>& found) {
  if (found && std::find(to.begin(), to.end(), *found) == to.end()) to.push_back(*found);
}

// What the system says when it could not even open its files is that there is no such name.
int look_up_code(int failed, int error_number) noexcept {
  return error_number == EMFILE || error_number == ENFILE ? EAI_SYSTEM : failed;
}

// Without AI_ADDRCONFIG: it counts no loopback address, so that names of this machine would have no
// address while there is no network. The system's order puts those that cannot be reached from here
// last (RFC 6724), which is all that matters.
std::vector<address> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  errno = 0;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (failed != 0) throw resolve_error(host, look_up_code(failed, errno), errno);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<address> found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    const address one = address::from_sockaddr(each->ai_addr, each->ai_addrlen);
    if (one.family() != address_family::none) add(found, one);
  }
  if (found.empty()) throw resolve_error(host, EAI_NONAME);
  return found;
}

std::vector<address> with_port(std::vector<address> addresses, std::uint16_t port) {
  for (address& each : addresses) each = each.with_port(port);
  return addresses;
}

// What needs nobody's help: nothing for a name that must be looked up.
std::vector<address> known_at_once(const std::string& host, std::uint16_t port) {
  std::vector<address> known;
  add(known, address::parse_ip(host, port));
  if (!known.empty()) return known;
  // A zero byte would end the name early on its way through the system.
  if (host.empty() || host.find('\0') != host.npos) throw resolve_error(host, EAI_NONAME);
  return known;
}

std::vector<address> known_of_this_machine(const std::string& host, std::uint16_t port) {
  std::vector<address> known;
  if (!is_localhost(host)) return known;
  add(known, address::parse_ip(loopback, port));
  add(known, address::parse_ip("::1", port));
  return known;
}

task<std::vector<address>> told(std::string host, std::uint16_t port, detail::name_answer answer) {
  if (answer.takes > duration::zero()) co_await sleep(answer.takes);
  if (answer.error != 0) throw resolve_error(host, answer.error);
  co_return with_port(std::move(answer.addresses), port);
}

}  // namespace

task<std::vector<address>> resolve(std::string host, std::uint16_t port) {
  event_loop& loop = detail::this_loop("resolve");
  std::vector<address> known = known_at_once(host, port);
  if (!known.empty()) co_return known;
  if (std::optional<detail::name_answer> answer = loop.io().look_up(host))
    co_return co_await told(host, port, std::move(*answer));
  known = known_of_this_machine(host, port);
  if (!known.empty()) co_return known;
  if (const auto* remembered = names().find(host, loop.now()))
    co_return with_port(*remembered, port);

  std::vector<address> found = co_await thread(look_up, host);
  names().keep(host, found, loop.now());
  co_return with_port(std::move(found), port);
}

}  // namespace cetane
