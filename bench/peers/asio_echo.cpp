// asio's echo server with C++20 coroutines, as its own examples write one.
#include <unistd.h>

#include <asio.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket peer, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  try {
    for (;;) {
      const std::size_t size =
          co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(peer, asio::buffer(buffer.data(), size), asio::use_awaitable);
    }
  } catch (const std::exception&) {  // the peer has left
  }
}

asio::awaitable<void> serve(tcp::acceptor& listener, std::size_t buffer_bytes) {
  for (;;) {
    tcp::socket peer = co_await listener.async_accept(asio::use_awaitable);
    peer.set_option(tcp::no_delay(true));
    asio::co_spawn(listener.get_executor(), echo(std::move(peer), buffer_bytes), asio::detached);
  }
}

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { _exit(0); });
  const char* host = "127.0.0.1";
  unsigned short port = 0;
  std::size_t buffer_bytes = 16 * 1024;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--host") host = argv[i + 1];
    if (std::string_view(argv[i]) == "--buffer")
      buffer_bytes = static_cast<std::size_t>(std::atol(argv[i + 1]));
    if (std::string_view(argv[i]) == "--port")
      port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
  }
  asio::io_context context(1);
  tcp::acceptor listener(context, {asio::ip::make_address(host), port});
  std::printf("listening on tcp://%s:%d\n", host, listener.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(context, serve(listener, buffer_bytes), asio::detached);
  context.run();
}
