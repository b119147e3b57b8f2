// The half-close of the forward example, on every backend.

#include <app/app_fixture.hpp>

#include <cetane/cetane.hpp>

namespace forward_test {

#include "../../examples/forward.cpp"

using namespace cetane;
using namespace cetane::literals;
using namespace cetane::test;

namespace {

// Answers when the question has come to its end, with more than any buffer on the way holds.
task<> answer_after_the_end(connection& peer) {
  const std::string question = co_await peer.until_eof();
  for (int part = 0; part < 64; ++part) co_await peer.send(std::string(64_KiB, 'x'));
  co_await peer.send(" to ", question);
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a client that has finished still gets everything",
                 "[examples][forward]") {
  const service& server = app.add_service(service(answer_after_the_end, 0));
  std::string answer;

  run([&]() -> task<> {
    const service& forwarder =
        app.add_service(service(forward, 0, std::string("127.0.0.1"), server.port()));
    connection client = co_await connect_to(forwarder);
    co_await client.send("a question");
    co_await client.send_eof();
    answer = co_await client.until_eof();
  });

  REQUIRE(answer == std::string(64 * 64_KiB, 'x') + " to a question");
}

TEST_CASE_METHOD(app_fixture, "a forwarder has no connection left when both sides have finished",
                 "[examples][forward]") {
  const service& server = app.add_service(service(echo_lines, 0));
  const service* forwarder = nullptr;

  run([&]() -> task<> {
    forwarder = &app.add_service(service(forward, 0, std::string("127.0.0.1"), server.port()));
    connection client = co_await connect_to(*forwarder);
    co_await client.send("hello\r\n");
    co_await client.send_eof();
    const std::string all = co_await client.until_eof();
    REQUIRE(all == "hello\r\n");
    client.close();
  });

  REQUIRE(stats().connections_opened == 4);  // both ends of both
  REQUIRE(stats().connections_closed == 4);
}

}  // namespace forward_test
