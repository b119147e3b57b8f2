// What asio's servers of connections share: options, a listener, the start line, a clean end.
#pragma once

#include <unistd.h>

#include <asio.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

struct options {
  const char* host = "127.0.0.1";
  unsigned short port = 0;
  std::size_t buffer_bytes = 16 * 1024;
  const char* certificate = "certificate.pem";  // where TLS is spoken
  const char* key = "key.pem";
};

inline options parse_options(int argc, char** argv) {
  options found;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view word = argv[i];
    if (word == "--host") found.host = argv[i + 1];
    if (word == "--buffer") found.buffer_bytes = static_cast<std::size_t>(std::atol(argv[i + 1]));
    if (word == "--port") found.port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
    if (word == "--tls-cert") found.certificate = argv[i + 1];
    if (word == "--tls-key") found.key = argv[i + 1];
  }
  return found;
}

/// Sends back what comes, until the peer leaves.
template <class Stream>
asio::awaitable<void> echo_all(Stream& peer, std::vector<char>& buffer) {
  for (;;) {
    const std::size_t size =
        co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    co_await asio::async_write(peer, asio::buffer(buffer.data(), size), asio::use_awaitable);
  }
}

template <class Echo>
asio::awaitable<void> accept_all(asio::ip::tcp::acceptor& listener, Echo& echo) {
  for (;;) {
    asio::ip::tcp::socket peer = co_await listener.async_accept(asio::use_awaitable);
    peer.set_option(asio::ip::tcp::no_delay(true));
    asio::co_spawn(listener.get_executor(), echo(std::move(peer)), asio::detached);
  }
}

/// Calls `echo`, a function that gives an awaitable, for each connection.
template <class Echo>
void serve(const options& chosen, Echo echo) {
  std::signal(SIGTERM, [](int) { _exit(0); });
  asio::io_context context(1);
  asio::ip::tcp::acceptor listener(context, {asio::ip::make_address(chosen.host), chosen.port});
  std::printf("listening on tcp://%s:%d\n", chosen.host, listener.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(context, accept_all(listener, echo), asio::detached);
  context.run();
}
