#include <net/name_query.hpp>

#include <net/name_table.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace cetane::detail {
namespace {

// A name has two addresses of each family as a rule; a hostile server may send thousands.
void add(std::vector<address>& to, const address& found) {
  if (found.family() == address_family::none) return;
  if (std::find(to.begin(), to.end(), found) != to.end()) return;
  const auto alike = std::count_if(
      to.begin(), to.end(), [&](const address& each) { return each.family() == found.family(); });
  if (static_cast<std::size_t>(alike) < most_name_addresses) to.push_back(found);
}

// What the system says when it could not even open its files is that there is no such name.
int look_up_code(int failed, int error_number) noexcept {
  return error_number == EMFILE || error_number == ENFILE ? EAI_SYSTEM : failed;
}

// Without AI_ADDRCONFIG: it counts no loopback address, so that names of this machine would have no
// address while there is no network. The system's order puts those that cannot be reached from here
// last (RFC 6724), which is all that matters.
name_found ask_system(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  name_found found;
  errno = 0;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (failed != 0) {
    found.error = look_up_code(failed, errno);
    found.error_number = errno;
    return found;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next)
    add(found.addresses, address::from_sockaddr(each->ai_addr, each->ai_addrlen));
  if (found.addresses.empty()) found.error = EAI_NONAME;
  return found;
}

name_found no_memory() noexcept {
  name_found found;
  found.error = EAI_MEMORY;
  return found;
}

}  // namespace

name_found look_up_name(const std::string& name) noexcept {
  try {
    return ask_system(name);
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

/// The question on its way through the offload pool.
class name_call final : public offloaded_call {
 public:
  explicit name_call(std::string name) noexcept : name_(std::move(name)) {}

  void run() noexcept override { found_ = look_up_name(name_); }
  std::exception_ptr error() const noexcept override { return nullptr; }

 protected:
  void hand_over(offload_caller& to) noexcept override {
    static_cast<name_query&>(to).found_ = std::move(found_);
  }

 private:
  const std::string name_;
  name_found found_;
};

void name_query::begin(event_loop& loop) {
  loop_ = &loop;
  std::optional<name_answer> told = loop.io().look_up(name_);
  if (!told) return offload_caller::begin(loop, std::make_unique<name_call>(name_));
  simulated_ = true;
  for (const address& each : told->addresses) add(found_.addresses, each);
  found_.error = told->error;
  if (told->takes <= duration::zero()) return settle();
  due_ = deadline_after(loop.now(), told->takes);
  loop.arm(*this, due_);
}

void name_query::join() noexcept {
  ++askers_;
  if (answered_ || !simulated_ || armed()) return;
  loop_->arm(*this, due_);  // it was left alone; if its time has come, so has its answer
}

void name_query::leave() noexcept {
  if (--askers_ == 0 && !answered_) names_.left(*this);
}

bool name_query::goes_on_alone() noexcept {
  disarm();
  return simulated_ || !give_up_unless_begun();
}

void name_query::settle() noexcept {
  answered_ = true;
  line_.grant_all();
  names_.answered(*this);  // which may destroy it
}

std::string name_wait::describe_wait() const { return "resolve " + escape(query_.name()); }

}  // namespace cetane::detail
