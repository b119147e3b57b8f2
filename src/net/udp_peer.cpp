#include <cetane/net/udp_peer.hpp>

#include <net/datagram_link.hpp>

#include <stdexcept>

namespace cetane {

udp_peer::~udp_peer() {
  if (link_ != nullptr) link_->release();
}

detail::datagram_link& udp_peer::link() const {
  if (link_ == nullptr) [[unlikely]]
    throw std::logic_error("this udp_peer has no peer: it was moved away, or never connected");
  return *link_;
}

detail::datagram_inbox& udp_peer::inbox() const { return link(); }

udp_send_op udp_peer::send_parts(const std::string_view* parts, std::size_t count) {
  detail::datagram_link& to = link();
  if (!to.may_send())
    throw connection_closed("send to", to.remote().to_string(), {}, errc::closed_here);
  return detail::send_through(to.port(), to.remote(), to.destination(), parts, count);
}

bool udp_peer::try_send_parts(const std::string_view* parts, std::size_t count) {
  detail::datagram_link& to = link();
  return to.may_send() && detail::try_send_through(to.port(), to.destination(), parts, count);
}

void udp_peer::close() { link().end(); }
bool udp_peer::is_closed() const { return link().is_closed(); }
const address& udp_peer::remote() const { return link().remote(); }
const address& udp_peer::local() const { return link().port().bound(); }
std::uint64_t udp_peer::dropped() const { return link().dropped(); }

}  // namespace cetane
