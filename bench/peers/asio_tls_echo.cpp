// asio's echo server over TLS, with its ssl::stream.
#include "asio_server.hpp"

#include <asio/ssl.hpp>

using secure_stream = asio::ssl::stream<asio::ip::tcp::socket>;

asio::awaitable<void> echo(asio::ip::tcp::socket socket, asio::ssl::context& context,
                           std::size_t buffer_bytes) {
  secure_stream peer(std::move(socket), context);
  try {
    co_await peer.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    std::vector<char> buffer(buffer_bytes);
    co_await echo_all(peer, buffer);
  } catch (const std::exception&) {  // the peer has left
  }
}

int main(int argc, char** argv) {
  const options chosen = parse_options(argc, argv);
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(chosen.certificate);
  context.use_private_key_file(chosen.key, asio::ssl::context::pem);
  serve(chosen, [&](asio::ip::tcp::socket peer) {
    return echo(std::move(peer), context, chosen.buffer_bytes);
  });
}
