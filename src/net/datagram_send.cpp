#include <net/datagram_port.hpp>

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <string>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

bool is_too_long(const address& to, std::size_t size) noexcept {
  return !to.is_unix() && size > os::longest_datagram(to.family());
}

[[noreturn]] void throw_unsent(const address& to, std::size_t size, int code) {
  const std::string tried = fmt::format("send {} bytes to {}", size, to);
  if (code != EMSGSIZE) throw error(tried, system_code(code));
  if (to.is_unix() || !is_too_long(to, size)) {
    throw error(error::whole_text(fmt::format("{}: longer than a datagram can be there", tried)),
                errc::message_too_long);
  }
  const std::size_t limit = os::longest_datagram(to.family());
  throw message_too_long(
      error::whole_text(fmt::format("{}: a datagram has {} bytes there at most", tried, limit)),
      limit);
}

}  // namespace

udp_send_op send_through(datagram_port& port, const address& to, const address* destination,
                         const std::string_view* parts, std::size_t count) {
  if (!port.is_open()) {
    throw connection_closed("send to", to.to_string(), {}, errc::closed_here);
  }
  const std::size_t size = total_size(parts, count);
  if (port.stage(destination, parts, count, size)) [[likely]]
    return udp_send_op(port);
  if (is_too_long(to, size)) throw_unsent(to, size, EMSGSIZE);
  int failed = 0;
  switch (port.send(destination, parts, count, failed)) {
    case datagram_port::fate::sent:
    case datagram_port::fate::queued:
      break;
    case datagram_port::fate::no_room: {
      std::string all;
      for (std::size_t i = 0; i < count; ++i) all += parts[i];
      port.count_dropped();  // unless its sender waits
      return udp_send_op(port, kept_datagram(new outgoing_datagram(destination, all)));
    }
    case datagram_port::fate::failed:
      throw_unsent(to, size, failed);
  }
  return udp_send_op(port);
}

bool try_send_through(datagram_port& port, const address* destination,
                      const std::string_view* parts, std::size_t count) {
  if (!port.is_open()) return false;
  int failed = 0;
  const datagram_port::fate what = port.send(destination, parts, count, failed);
  return what == datagram_port::fate::sent || what == datagram_port::fate::queued;
}

}  // namespace cetane::detail
