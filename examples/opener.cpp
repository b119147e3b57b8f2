// A server that opens files for programs that may not: what it hands over is the open file, as a
// descriptor beside the answer. It asks the system who is at the other end, and serves its own user
// only.
//
// Run:   ./dev run opener serve docs           it prints: listening on unix:@cetane-opener
//        build/examples/opener read @cetane-opener tutorial.md       in a second terminal
// See:   the text of docs/tutorial.md          which only the server has opened
// Ctrl-C ends the server.
//
// It shows peer_credentials, send_descriptor and take_descriptor on a Unix socket.

#include <cetane/cetane.hpp>

#include <cstring>

#include <fcntl.h>
#include <unistd.h>

using namespace std::chrono_literals;

// [server]
cetane::task<> lend(cetane::connection& peer, const std::string& folder) {
  const auto who = peer.peer_credentials();
  if (who.uid != ::getuid()) {
    co_await peer.print("no: user {} is not served here\n", who.uid);
    co_return;
  }
  for (;;) {
    const std::string line = co_await peer.until_eol();
    const std::string name(cetane::trim(line));
    if (name.empty() || name.find('/') != std::string::npos) {
      co_await peer.send("no: that is not a name in one folder\n");
      continue;
    }
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const cetane::unique_fd file(::open((folder + "/" + name).c_str(), flags));
    if (file) {
      co_await peer.send_descriptor(file.get(), "here\n");
    } else {
      co_await peer.print("no: {}\n", std::strerror(errno));
    }
  }
}
// [/server]

void copy_to_output(int file) {
  char bytes[4096];
  for (ssize_t count = 1; (count = ::read(file, bytes, sizeof bytes)) > 0;)
    std::fwrite(bytes, 1, std::size_t(count), stdout);
}

// [client]
cetane::task<int> borrow(std::string path, std::string name) {
  cetane::connection_limits limits;
  limits.passed_descriptors = 1;  // none, if nothing is said
  cetane::connection server = co_await cetane::connect_unix(path).limits(limits).timeout(5s);
  co_await server.send(name, "\n");
  const std::string answer = co_await server.until_eol();
  if (cetane::trim(answer) != "here") {
    fmt::print(stderr, "opener: {}: {}", name, answer);
    co_return 1;
  }
  const cetane::unique_fd file = server.take_descriptor();
  copy_to_output(file.get());
  co_return 0;
}
// [/client]

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc > 2) {
    cetane::application app(argc - 2, argv + 2);
    app.add_service(cetane::unix_service(lend, "@cetane-opener", std::string(argv[2])));
    return app.run();
  }
  if (what == "read" && argc == 4)
    return cetane::run(borrow, std::string(argv[2]), std::string(argv[3]));
  return fmt::print(stderr, "usage: opener serve FOLDER [OPTIONS], or opener read PATH NAME\n"), 2;
}
