// cetane's echo of datagrams: one task for the socket.
#include <cetane/app/application.hpp>
#include <cetane/app/udp_service.hpp>

namespace {

cetane::task<> echo(cetane::udp_socket& socket) {
  for (;;) {
    const cetane::datagram packet = co_await socket.receive();
    co_await socket.send(packet.from, packet);
  }
}

}  // namespace

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::udp_service(echo, 8013));
  return app.run();
}
