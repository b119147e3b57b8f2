#include <cetane/polling/poll.hpp>

#include "polling/timeout.hpp"

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <cerrno>

#include <poll.h>

namespace cetane::polling {

static_assert(static_cast<int>(events::in) == POLLIN && static_cast<int>(events::out) == POLLOUT);
static_assert(static_cast<int>(events::priority) == POLLPRI);
static_assert(static_cast<int>(events::error) == POLLERR);
static_assert(static_cast<int>(events::hang_up) == POLLHUP);
static_assert(static_cast<int>(events::invalid) == POLLNVAL);
static_assert(static_cast<int>(events::peer_end) == POLLRDHUP);

void poll::add(int descriptor, events wanted) {
  if (descriptor < 0) {  // poll(2) would skip it in silence
    throw error(fmt::format("poll descriptor {}", descriptor), system_code(EBADF));
  }
  const auto [place, fresh] = places_.try_emplace(descriptor, entries_.size());
  if (fresh) {
    entries_.push_back({descriptor, wanted});
  } else {
    entries_[place->second].wanted = wanted;
  }
}

void poll::modify(int descriptor, events wanted) {
  find(descriptor, "change what poll waits for on").wanted = wanted;
}

void poll::remove(int descriptor) {
  entry& gone = find(descriptor, "stop polling");
  places_[entries_.back().descriptor] = static_cast<std::size_t>(&gone - entries_.data());
  gone = entries_.back();
  entries_.pop_back();
  places_.erase(descriptor);
}

poll::entry& poll::find(int descriptor, const char* tried) {
  const auto place = places_.find(descriptor);
  if (place == places_.end()) {
    throw error(
        error::whole_text(fmt::format("{} descriptor {}: it was not added", tried, descriptor)),
        system_code(ENOENT));
  }
  return entries_[place->second];
}

std::vector<ready> poll::wait(std::optional<any_duration> timeout) {
  time_left left(timeout, "poll::wait");
  std::vector<pollfd> asked;
  asked.reserve(entries_.size());
  for (const entry& e : entries_) {
    asked.push_back({e.descriptor, static_cast<short>(e.wanted), 0});
  }
  int count = 0;
  do {
    count = ::ppoll(asked.data(), asked.size(), left.get(), nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    throw error(fmt::format("poll {} descriptors", asked.size()), system_code(errno));
  }

  std::vector<ready> found;
  for (const pollfd& one : asked) {
    if (one.revents == 0) continue;
    found.push_back({one.fd, static_cast<events>(static_cast<unsigned short>(one.revents))});
  }
  return found;
}

}  // namespace cetane::polling
