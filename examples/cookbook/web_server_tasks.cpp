// The web server of listing 2.4 with tasks: where a client stands in its conversation is where its
// task stands in this function.
//
// Run:   ./dev run cookbook/web_server_tasks
// Type:  curl http://127.0.0.1:8013/
// See:   Hello from Epoll Server!        and in the server's terminal the request

#include <cetane/cetane.hpp>

#include <cstdio>

namespace {

constexpr std::size_t longest_request = 64 * 1024;

constexpr std::string_view page =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 1 Apr 2013 01:01:01 GMT\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 25\r\n"
    "\r\n"
    "\nHello from Epoll Server!";

// [handler]
cetane::task<> serve_page(cetane::connection& peer) {
  std::string request;
  for (;;) {
    const std::string line = co_await peer.until_eol();
    request += line;
    if (cetane::trim(line).empty()) break;
    if (request.size() > longest_request) co_return;
  }
  fmt::print("{:-<40}\n{}\n", "", request.substr(0, request.size() - 2));
  std::fflush(stdout);
  co_await peer.send(page);
}
// [/handler]

}  // namespace

int main(int argc, char** argv) {
  return cetane::quickstart(argc, argv, cetane::service(serve_page, 8013));
}
