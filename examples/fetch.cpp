// Fetches a page from many hosts, at most ten at a time, and says how each one went.
//
// Run:   ./dev run fetch debian.org 80 127.0.0.1 1
// See:   127.0.0.1:1 failed: cannot connect to 127.0.0.1:1: ...
//        debian.org:80 550 bytes        or so; in the order in which they are done
//
// It shows for_each_concurrent, and attempt(), which turns an error into a value: what one host
// does wrong is no concern of the others.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

struct target {
  std::string host;
  std::uint16_t port;
};

cetane::task<std::string> fetch(const target& t) {
  cetane::connection server = co_await cetane::connect(t.host, t.port);
  co_await server.send("GET / HTTP/1.0\r\nHost: ", t.host, "\r\n\r\n");
  co_return co_await server.until_eof();
}

cetane::task<> report(const target& t) {
  const auto page = co_await cetane::attempt(cetane::with_timeout(10s, fetch(t)));
  if (page)
    fmt::print("{}:{} {} bytes\n", t.host, t.port, page->size());
  else
    fmt::print("{}:{} failed: {}\n", t.host, t.port, page.error());
}

cetane::task<> fetch_all(std::vector<target> targets) {
  co_await cetane::for_each_concurrent(targets, 10, report);
}

int main(int argc, char** argv) {
  std::vector<target> targets;
  for (int i = 1; i + 1 < argc; i += 2)
    targets.push_back({argv[i], std::uint16_t(std::stoi(argv[i + 1]))});
  return cetane::run(fetch_all, std::move(targets));
}
