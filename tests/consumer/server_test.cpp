// A test that a user writes, with the library cetane-testing.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace cetane::testing;

cetane::task<> echo(cetane::connection& peer) { co_await peer.send(co_await peer.until_eol()); }

TEST_CASE("the server says back a line") {
  simulate(10, [](world& w) -> cetane::task<> {
    w.faults_are(faults().split_reads());
    const auto& server = w.serve(cetane::service(echo, 0));
    cetane::connection client = co_await cetane::connect("echo", server.port());
    co_await client.send("hello\n");
    const std::string answer = co_await client.until_eof();
    REQUIRE(answer == "hello\n");
  });
}

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
