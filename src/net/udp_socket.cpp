#include <cetane/net/udp_socket.hpp>

#include <net/plain_socket.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane {
namespace detail {

void plain_socket::end() noexcept {
  close();
  port_.close();  // sends what is staged, which may be refused
  notes_.close();
}

void plain_socket::end_input() noexcept {
  constexpr int reads = 64;  // more than a system keeps for a socket
  for (int n = 0; n < reads && port_.readable; ++n) port_.read();
  close();
}

void plain_socket::on_datagram(const os::arrived_datagram& what) noexcept {
  try {
    put(what);
  } catch (const std::bad_alloc&) {
    port_.count_dropped();
  }
}

void plain_socket::on_undelivered(const address& about, int error) noexcept {
  if (notes_.closed()) return;
  try {
    const undelivered note(about, system_code(error));
    while (!notes_.try_put(note) && notes_.try_get()) {
    }
  } catch (const std::bad_alloc&) {
    // nobody relies on such notes
  }
}

void plain_socket::throw_closed() const {
  throw connection_closed("receive at", port_.bound().to_string(), {}, errc::closed_here);
}

}  // namespace detail

udp_socket::~udp_socket() { delete core_; }

udp_socket udp_socket::bind(const address& where, port_sharing sharing) {
  auto made = std::make_unique<detail::plain_socket>(detail::this_loop("bind a datagram socket"));
  detail::datagram_request request;
  request.reuse_port = sharing == port_sharing::to_one;
  request.share_port = sharing == port_sharing::to_all;
  if (const int failed = made->open(where, request); failed < 0)
    throw error("receive datagrams at " + where.to_string(), system_code(failed));
  return udp_socket(*made.release());
}

udp_socket udp_socket::bind(const std::string& ip, std::uint16_t port, port_sharing sharing) {
  const std::optional<address> where = address::parse_ip(ip, port);
  if (!where) throw std::invalid_argument("bind to " + ip + ": this is no IP address");
  return bind(*where, sharing);
}

detail::plain_socket& udp_socket::core() const {
  if (core_ == nullptr) [[unlikely]]
    throw std::logic_error("this udp_socket has no socket: it was moved away, or never bound");
  return *core_;
}

detail::datagram_inbox& udp_socket::inbox() const { return core(); }
queue<undelivered>& udp_socket::notes() const { return core().notes(); }

udp_send_op udp_socket::send_parts(const address& to, const std::string_view* parts,
                                   std::size_t count) {
  return detail::send_through(core().port(), to, &to, parts, count);
}

bool udp_socket::try_send_parts(const address& to, const std::string_view* parts,
                                std::size_t count) {
  return detail::try_send_through(core().port(), &to, parts, count);
}

udp_socket& udp_socket::allow_broadcast(bool allowed) {
  detail::datagram_port& port = core().port();
  const int failed = port.loop().io().set_broadcast(port.descriptor, allowed);
  if (failed < 0) throw error("allow broadcast at " + local().to_string(), system_code(failed));
  return *this;
}

udp_socket& udp_socket::join(const address& group, const address& on) {
  detail::datagram_port& port = core().port();
  const int failed = port.loop().io().set_membership(port.descriptor, group, on, true);
  if (failed < 0) throw error("join the group " + group.host(), system_code(failed));
  return *this;
}

udp_socket& udp_socket::leave(const address& group, const address& on) {
  detail::datagram_port& port = core().port();
  const int failed = port.loop().io().set_membership(port.descriptor, group, on, false);
  if (failed < 0) throw error("leave the group " + group.host(), system_code(failed));
  return *this;
}

udp_socket& udp_socket::limits(const udp_limits& limits) {
  core().port().set_limits(limits);
  return *this;
}

void udp_socket::close() { core().end(); }
bool udp_socket::is_closed() const { return core().is_closed(); }
const address& udp_socket::local() const { return core().port().bound(); }
std::size_t udp_socket::queued_bytes() const { return core().port().queued_bytes(); }
std::uint64_t udp_socket::dropped() const { return core().port().dropped(); }

}  // namespace cetane
