// The first test of docs/howto/test-your-server.md.
// [headers]
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
// [/headers]

namespace echo_server_test {

// [test]
using namespace std::chrono_literals;
using namespace cetane::testing;

// The handler under test: the very function that the server gives to its service.
cetane::task<> echo(cetane::connection& peer) {
  while (auto line = co_await cetane::move_on_after(30s, peer.until_eol())) {
    co_await peer.send("you said ", *line);
  }
  co_await peer.send("silent too long, bye\n");
}

TEST_CASE("echo says back a line, and bye after half a minute of silence") {
  simulate(100, [](world& w) -> cetane::task<> {
    w.faults_are(faults().latency(0ms, 50ms).split_reads());
    const auto& server = w.serve(cetane::service(echo, 0));
    cetane::connection client = co_await cetane::connect("echo", server.port());

    co_await client.send("hello\n");
    const std::string answer = co_await client.until_eol();
    const cetane::duration before = w.elapsed();
    const std::string farewell = co_await client.until_eof();

    REQUIRE(answer == "you said hello\n");
    REQUIRE(farewell == "silent too long, bye\n");
    REQUIRE(w.elapsed() - before > 29s);
    REQUIRE(w.elapsed() - before < 31s);
  });
}
// [/test]

}  // namespace echo_server_test
