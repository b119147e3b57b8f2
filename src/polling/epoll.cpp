#include <cetane/polling/epoll.hpp>

#include "os/fork_hook.hpp"
#include "polling/timeout.hpp"

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>
#include <utility>

#include <sys/epoll.h>

namespace cetane::polling {
namespace {

static_assert(static_cast<unsigned>(events::in) == EPOLLIN);
static_assert(static_cast<unsigned>(events::out) == EPOLLOUT);
static_assert(static_cast<unsigned>(events::priority) == EPOLLPRI);
static_assert(static_cast<unsigned>(events::error) == EPOLLERR);
static_assert(static_cast<unsigned>(events::hang_up) == EPOLLHUP);
static_assert(static_cast<unsigned>(events::peer_end) == EPOLLRDHUP);

std::uint32_t flags_of(events wanted, trigger how) noexcept {
  std::uint32_t flags = static_cast<std::uint32_t>(wanted);
  if (how == trigger::edge) flags |= EPOLLET;
  if (how == trigger::one_shot) flags |= EPOLLONESHOT;
  return flags;
}

std::string why_not(int number) {
  switch (number) {
    case EEXIST:
      return "it was added already; modify() changes what it is watched for";
    case ENOENT:
      return "it was not added";
    case EPERM:
      return "it is a file, which is always ready and cannot be watched";
    default:
      return reason_text(system_code(number));
  }
}

void control(int own, int operation, int descriptor, std::uint32_t flags, const char* tried) {
  epoll_event event{};
  event.events = flags;
  event.data.fd = descriptor;
  if (::epoll_ctl(own, operation, descriptor, &event) == 0) return;
  const int why = errno;
  throw error(
      error::whole_text(fmt::format("{} descriptor {}: {}", tried, descriptor, why_not(why))),
      system_code(why));
}

}  // namespace

// What a child does to an inherited set happens to the parent's as well, so it does not keep it.
class epoll::descriptor {
 public:
  explicit descriptor(unique_fd fd) noexcept : fd_(std::move(fd)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { close(); }  // before the hook goes

  void in_child(std::span<const int>) noexcept { fd_.reset(); }

  int get() const noexcept { return fd_.get(); }
  void close() noexcept {
    const os::forks_held_back until_closed;
    fd_.reset();
  }

 private:
  unique_fd fd_;
  os::fork_hook hook_{*this};
};

epoll::epoll() {
  const os::forks_held_back until_it_has_an_owner;
  unique_fd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) throw error("make an epoll object", system_code(errno));
  own_ = std::make_unique<descriptor>(std::move(fd));
}

epoll::epoll(epoll&&) noexcept = default;
epoll& epoll::operator=(epoll&&) noexcept = default;
epoll::~epoll() = default;

void epoll::add(int descriptor, events wanted, trigger how) {
  control(fileno(), EPOLL_CTL_ADD, descriptor, flags_of(wanted, how), "watch");
}

void epoll::modify(int descriptor, events wanted, trigger how) {
  control(fileno(), EPOLL_CTL_MOD, descriptor, flags_of(wanted, how),
          "change what is watched for on");
}

void epoll::remove(int descriptor) {
  control(fileno(), EPOLL_CTL_DEL, descriptor, 0, "stop watching");
}

std::vector<ready> epoll::wait(std::optional<any_duration> timeout, std::size_t most_events) {
  const time_left left(timeout, "epoll::wait");
  if (most_events == 0) throw std::invalid_argument("epoll::wait: most_events is 0");
  const auto most = std::min<std::size_t>(most_events, std::numeric_limits<int>::max() / 16);
  std::vector<epoll_event> room(most);
  int count = 0;
  do {
    count = ::epoll_wait(fileno(), room.data(), static_cast<int>(most), left.milliseconds());
    if (count < 0 && errno != EINTR) throw error("wait for an epoll object", system_code(errno));
  } while (count <= 0 && !left.over());

  std::vector<ready> found;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = room[static_cast<std::size_t>(i)];
    found.push_back({event.data.fd, static_cast<events>(event.events)});
  }
  return found;
}

int epoll::fileno() const noexcept { return own_ ? own_->get() : -1; }

void epoll::close() noexcept {
  if (own_) own_->close();
}

}  // namespace cetane::polling
