#include "backend/sim_names.hpp"

#include <cetane/base/text.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <netdb.h>

namespace cetane::detail {
namespace {

constexpr duration longest_answer = std::chrono::hours(1);

const std::vector<address>& loopback() {
  static const std::vector<address> only{*address::parse_ip("127.0.0.1", 0)};
  return only;
}

// As name servers compare them: without case, and a dot at the end says nothing.
std::string plain(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

bool is_localhost(const std::string& name) {
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace

sim_names::sim_names(sim_engine& engine, const sim_hosts& hosts)
    : engine_(engine),
      hosts_(hosts),
      times_(engine.options.seed(), "name times", engine.trace),
      failures_(engine.options.seed(), "name failures", engine.trace) {}

name_answer sim_names::look_up(const std::string& name) {
  const std::string wanted = plain(name);
  if (!is_localhost(wanted)) return ask(wanted);
  name_answer answer;
  answer.addresses = loopback();
  return answer;
}

name_answer sim_names::ask(const std::string& name) {
  name_answer answer;
  if (longest_ > duration::zero()) answer.takes = times_.roll(shortest_, longest_);
  const bool unlucky = share_failing_ > 0 && failures_.chance(share_failing_);
  if (unlucky || failing_.contains(name)) {
    answer.error = EAI_AGAIN;
  } else {
    answer.addresses = find(name);
    if (answer.addresses.empty()) answer.error = EAI_NONAME;
  }
  engine_.note("the name {} {}", escape(name),
               answer.error == 0           ? "is looked up"
               : answer.error == EAI_AGAIN ? "cannot be looked up now"
                                           : "is nobody's");
  return answer;
}

std::vector<address> sim_names::find(const std::string& name) const {
  if (const auto told = told_.find(name); told != told_.end()) return told->second;
  if (const sim_host* const host = hosts_.named(name)) return {host->ipv4()};
  if (hosts_.alone() && told_.empty()) return loopback();
  return {};
}

void sim_names::set(std::string name, std::vector<address> addresses) {
  for (address& each : addresses) each = each.with_port(0);
  told_.insert_or_assign(plain(std::move(name)), std::move(addresses));
}

void sim_names::take(any_duration shortest, any_duration longest) {
  const duration from = shortest;
  const duration to = longest;
  if (from < duration::zero() || to < from || to > longest_answer) {
    throw std::invalid_argument(
        "a simulated name server takes between 0 and 1 h, the shortest time first");
  }
  shortest_ = from;
  longest_ = to;
}

void sim_names::fail(double share) {
  if (!(share >= 0 && share <= 1))
    throw std::invalid_argument("the share of names that fail is between 0 and 1");
  share_failing_ = share;
}

void sim_names::fail(std::string name) { failing_.insert(plain(std::move(name))); }

void sim_names::heal() noexcept {
  shortest_ = longest_ = duration::zero();
  share_failing_ = 0;
  failing_.clear();
}

}  // namespace cetane::detail
