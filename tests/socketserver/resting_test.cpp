#include "socketserver_fixture.hpp"

#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>

namespace resting_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

// Has no descriptor left for a while, as accept(2) says it; the listener stays readable.
struct short_of_descriptors : tcp_server {
  using tcp_server::tcp_server;
  incoming get_request() override {
    ++accepts;
    if (turns < 3) throw std::system_error(EMFILE, std::system_category());
    return tcp_server::get_request();
  }
  void service_actions() override {
    if (++turns == 3) failed_accepts = accepts;
  }
  int accepts = 0;
  int failed_accepts = 0;
  int turns = 0;
};

struct counted_log {
  counted_log() {
    cetane::log::set_sink([this](auto, auto, auto) { ++lines; });
  }
  ~counted_log() { cetane::log::set_sink({}); }
  int lines = 0;
};

}  // namespace

// A turn of the loop is an accept that fails, or the end of a rest: a loop that spins has no rests.
TEST_CASE("a server without descriptors rests, says so once, and goes on", "[socketserver]") {
  counted_log log;
  live<short_of_descriptors> server(any_port(), call([](calling& self) {
                                      self.request().socket().sendall("served");
                                      self.server().request_shutdown();
                                    }));
  stream_client client(server.server_address());

  server.serve_forever(1h);

  CHECK(client.until_end() == "served");
  CHECK(server.failed_accepts < 3);
  CHECK(log.lines == 1);
}

TEST_CASE("handle_request without descriptors still ends at its timeout", "[socketserver]") {
  counted_log log;
  live<short_of_descriptors> server(any_port(), handler<echo_line>);
  const stream_client client(server.server_address());
  server.timeout = 1ms;

  server.handle_request();  // the accept that fails
  server.handle_request();

  CHECK(server.accepts == 1);
}

}  // namespace resting_test
