#include <cetane/net/adopt_socket.hpp>

#include <net/stream.hpp>
#include <os/socket.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

namespace cetane {
namespace {

connection adopt(unique_fd socket, const connection_limits* limits) {
  static const connection_limits usual;
  constexpr const char* tried = "adopt a socket";
  event_loop& loop = detail::this_loop(tried);
  if (loop.io().simulated()) {
    throw std::logic_error(
        "adopt a socket: a simulated network has no descriptors of the system's");
  }
  auto made = std::make_unique<detail::stream>(loop, usual);
  if (limits != nullptr) made->set_limits(*limits);
  address peer;
  int failed = os::prepare_stream(socket.get(), peer);
  if (failed == 0 && !peer.is_unix()) failed = loop.io().set_keepalive(socket.get());
  if (failed == 0) failed = loop.io().take_over(socket.get());
  if (failed == 0) failed = made->open(socket.release(), peer);
  if (failed < 0) throw error(tried, system_code(failed));
  return connection(*made.release());
}

}  // namespace

connection adopt_socket(unique_fd socket) { return adopt(std::move(socket), nullptr); }

connection adopt_socket(unique_fd socket, const connection_limits& limits) {
  return adopt(std::move(socket), &limits);
}

}  // namespace cetane
