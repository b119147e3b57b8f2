#include <net/stream_extras.hpp>

#include <cetane/runtime/this_task.hpp>

#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace cetane::detail {

stream_extras& stream::extras() {
  if (!extras_) extras_ = std::make_unique<stream_extras>(*this);
  return *extras_;
}

bool stream::is_special() const noexcept {
  return extras_ && (extras_->idle_span > duration::zero() || extras_->filter);
}

void stream::note_plainness() noexcept {
  plain_input = is_plain_input();
  plain_output = is_plain_output();
}

// Six bytes instead of an address object for the most common kind of peer.
void stream::remember_ipv4(const address& peer) noexcept {
  sockaddr_storage storage{};
  peer.to_sockaddr(storage);
  sockaddr_in in{};
  std::memcpy(&in, &storage, sizeof in);
  peer_ip_ = in.sin_addr.s_addr;
  peer_port_ = peer.port();
}

const address& stream::remote() {
  stream_extras& more = extras();
  if (!more.remote) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = peer_ip_;
    in.sin_port = htons(peer_port_);
    more.remote = address::from_sockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  return *more.remote;
}

const address& stream::local() {
  stream_extras& more = extras();
  if (!more.local) {
    more.local.emplace();
    if (descriptor >= 0) io().local_address(descriptor, *more.local);
  }
  return *more.local;
}

std::string stream::peer_text() { return remote().to_string(); }

std::string stream::name() { return extras_ ? extras_->label : std::string(); }

void stream::set_label(std::string text) { extras().label = std::move(text); }

void stream::set_limits(const connection_limits& limits) {
  extras().limits = std::make_unique<connection_limits>(limits);
  limits_ = extras_->limits.get();
}

void stream::set_idle_timeout(duration span) {
  stream_extras& more = extras();
  more.idle_span = span;
  more.last_activity = loop_.now();
  note_plainness();
  if (span <= duration::zero()) return more.idle.disarm();
  if (phase_ == phase::open) loop_.arm(more.idle, deadline_after(more.last_activity, span));
}

intrusive_list<closed_wait, closed_waiters>& stream::closed_waiters_list() {
  return extras().closed_list;
}

}  // namespace cetane::detail
