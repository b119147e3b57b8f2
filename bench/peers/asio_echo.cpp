// asio's echo server with C++20 coroutines, as its own examples write one.
#include "asio_server.hpp"

asio::awaitable<void> echo(asio::ip::tcp::socket peer, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  try {
    co_await echo_all(peer, buffer);
  } catch (const std::exception&) {  // the peer has left
  }
}

int main(int argc, char** argv) {
  const options chosen = parse_options(argc, argv);
  serve(chosen, [&chosen](asio::ip::tcp::socket peer) {
    return echo(std::move(peer), chosen.buffer_bytes);
  });
}
