#include <cetane/net/resolve.hpp>

#include <net/name_table.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <netdb.h>
#include <strings.h>

namespace cetane {
namespace {

constexpr std::size_t longest_name = 254;  // RFC 1035: 253, and a dot at the end

detail::name_table& names_of_this_loop(const char* wanted) {
  return detail::this_loop(wanted).part<detail::name_table>();
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

// Names are compared without case. A dot at the end counts: without one, the machine's search list
// may lead somewhere else.
std::string lower(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

std::vector<address> with_port(std::vector<address> addresses, std::uint16_t port) {
  for (address& each : addresses) each = each.with_port(port);
  return addresses;
}

// What needs nobody's help: nothing for a name that must be looked up.
std::vector<address> known_at_once(const std::string& host, std::uint16_t port) {
  std::vector<address> known;
  if (const std::optional<address> numeric = address::parse_ip(host, port)) {
    known.push_back(*numeric);
    return known;
  }
  // A zero byte would end the name early on its way through the system.
  if (host.empty() || host.size() > longest_name || host.find('\0') != host.npos)
    throw resolve_error(host, EAI_NONAME);
  return known;
}

// A simulated network has a say in what its machines call localhost.
std::vector<address> known_of_this_machine(const detail::backend& io, const std::string& host,
                                           std::uint16_t port) {
  std::vector<address> known;
  if (io.simulated() || !is_localhost(host)) return known;
  known.push_back(*address::parse_ip("127.0.0.1", port));
  known.push_back(*address::parse_ip("::1", port));
  return known;
}

// Somebody who wants the answer to a question, as long as the object lives.
class asker {
 public:
  explicit asker(std::shared_ptr<detail::name_query> query) noexcept : query_(std::move(query)) {
    query_->join();
  }
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;
  ~asker() { query_->leave(); }

  detail::name_query& query() const noexcept { return *query_; }

 private:
  std::shared_ptr<detail::name_query> query_;
};

}  // namespace

task<std::vector<address>> resolve(std::string host, std::uint16_t port) {
  event_loop& loop = detail::this_loop("resolve");
  std::vector<address> known = known_at_once(host, port);
  if (known.empty()) known = known_of_this_machine(loop.io(), host, port);
  if (!known.empty()) co_return known;

  detail::name_table& names = names_of_this_loop("resolve");
  const std::string name = lower(host);
  if (const auto* remembered = names.find(name)) co_return with_port(*remembered, port);
  const asker asking(names.ask(name));
  if (!asking.query().answered()) co_await asking.query().answer();
  const detail::name_found& found = asking.query().found();
  if (found.error != 0) throw resolve_error(host, found.error, found.error_number);
  co_return with_port(found.addresses, port);
}

void forget_names() { names_of_this_loop("forget_names").forget(); }

void set_name_limits(const name_limits& limits) {
  names_of_this_loop("set_name_limits").set_limits(limits);
}

}  // namespace cetane
