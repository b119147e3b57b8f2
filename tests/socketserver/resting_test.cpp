// A server that runs out of descriptors. Each case runs in a child process, which may lower its own
// limit.
#include "socketserver_fixture.hpp"

#include <cetane/base/log.hpp>
#include <cetane/os/process.hpp>

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>

namespace resting_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

// Lets no descriptor be opened above those that are open.
void close_the_table() {
  const unique_fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(lowest.get());
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void open_the_table() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1024);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

struct turning : tcp_server {
  using tcp_server::tcp_server;
  incoming get_request() override {
    ++accepts;
    return tcp_server::get_request();
  }
  void service_actions() override {
    if (++turns == 3) {
      accepts_without_descriptors = accepts;
      open_the_table();
    }
  }
  int accepts = 0;
  int turns = 0;
  int accepts_without_descriptors = 0;
};

}  // namespace

// A turn of the loop is a failed accept or the end of a rest: without rests each would be an
// accept.
TEST_CASE("a server without descriptors rests, says so once, and goes on", "[socketserver]") {
  auto child = cetane::fork_process([] {
    int warnings = 0;
    cetane::log::set_sink([&](auto, auto, auto) { ++warnings; });
    live<turning> server(any_port(), call([](calling& self) {
                           self.request().socket().sendall("served");
                           self.server().request_shutdown();
                         }));
    stream_client client(server.server_address());
    close_the_table();

    server.serve_forever(1h);

    if (client.until_end() != "served") return 1;
    if (server.accepts_without_descriptors >= server.turns) return 2;
    return warnings == 1 ? 0 : 3;
  });

  CHECK(child.wait().number() == 0);
}

TEST_CASE("handle_request without descriptors still ends at its timeout", "[socketserver]") {
  auto child = cetane::fork_process([] {
    cetane::log::set_sink([](auto, auto, auto) {});
    TCPServer server(any_port(), handler<echo_line>);
    const stream_client client(server.server_address());
    close_the_table();
    server.timeout = 1ms;
    server.handle_request();  // the accept that fails
    server.handle_request();
    return 0;
  });

  CHECK(child.wait().number() == 0);
}

}  // namespace resting_test
