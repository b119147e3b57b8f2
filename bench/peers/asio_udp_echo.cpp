// asio's echo of datagrams with C++20 coroutines.
#include <unistd.h>

#include <array>
#include <asio.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

using asio::ip::udp;

asio::awaitable<void> echo(udp::socket& socket) {
  std::array<char, 2048> buffer;
  for (;;) {
    udp::endpoint from;
    const std::size_t size =
        co_await socket.async_receive_from(asio::buffer(buffer), from, asio::use_awaitable);
    co_await socket.async_send_to(asio::buffer(buffer.data(), size), from, asio::use_awaitable);
  }
}

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { _exit(0); });
  const char* host = "127.0.0.1";
  unsigned short port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--host") host = argv[i + 1];
    if (std::string_view(argv[i]) == "--port")
      port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
  }
  asio::io_context context(1);
  udp::socket socket(context, {asio::ip::make_address(host), port});
  std::printf("listening on udp://%s:%d\n", host, socket.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(context, echo(socket), asio::detached);
  context.run();
}
