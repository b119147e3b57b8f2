// Listing 2.5 of the Python Network Programming Cookbook: an echo server with diesel, which is
// where cetane comes from.
//
// Run:   ./dev run cookbook/2_5_echo_server_with_diesel --port=8800
// Type:  telnet localhost 8800         then: Hello Diesel server ?
// See:   You said: Hello Diesel server ?
//        and in the server's terminal: Echo client connected from: 127.0.0.1:56603
// A line ends with CR and LF here, as in the book: nc -C, not nc.
//
// It runs as one task, since an application says on stdout where it listens, and the book's program
// does not.

#include "port_option.hpp"

#include <cetane/cetane.hpp>

#include <cstdio>

// [handler]
cetane::task<> handle_echo(cetane::connection& peer) {
  fmt::print("Echo client connected from: {}\n", peer.remote().to_string());
  std::fflush(stdout);
  for (;;) {
    const std::string message = co_await peer.until_eol(cetane::line_end::crlf);
    co_await peer.send("You said: ", message);
  }
}  // the book's handler went on for ever when its client had left; this one ends by
   // connection_closed
// [/handler]

cetane::task<> serve(std::uint16_t port) {
  cetane::service echo(handle_echo, port);
  echo.start(*cetane::event_loop::current());
  cetane::event end;
  co_await end.wait();  // Ctrl-C cancels it
}

int main(int argc, char** argv) {
  constexpr int interrupted = 130;
  const int status = cetane::run(serve, read_port(argc, argv));
  return status == interrupted ? 0 : status;
}
