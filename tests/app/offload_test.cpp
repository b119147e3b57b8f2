// Blocking handlers of a socketserver in a coroutine application, and a socketserver beside one.
#include <app/app_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/app/offload.hpp>
#include <cetane/app/serve.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/socketserver/socketserver.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace offload_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct shouting_handler : socketserver::stream_request_handler {
  void handle() override {
    std::string line;
    while (!(line = rfile().read_line()).empty()) {
      if (line == "throw\n") throw std::runtime_error("it was told to");
      if (line == "server\n") static_cast<void>(server());
      for (char& c : line) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      wfile().write(line);
    }
  }
};

task<std::string> ask(connection& c, std::string line) {
  co_await c.send(line);
  co_return co_await c.until_eol();
}

task<> expect_end(connection& c) {
  const auto line = co_await attempt(c.next_line());
  CHECK((!line.has_value() || !line->has_value()));
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a blocking handler serves connections of a service",
                 "[app][offload][not-sim]") {
  service& shouting = app.add_service(service(offload<shouting_handler>(), 0));

  run([&]() -> task<> {
    std::vector<connection> peers;
    for (int i = 0; i < 4; ++i) peers.push_back(co_await connect_to(shouting));
    for (connection& one : peers) {  // all at the same time
      const std::string answer = co_await ask(one, "hello\n");
      CHECK(answer == "HELLO\n");
    }
    for (connection& one : peers) {
      co_await one.send_eof();
      co_await expect_end(one);
    }
    while (shouting.connections() > 0) co_await sleep(1ms);
  });

  CHECK(log.of(log::level::error).empty());
}

TEST_CASE_METHOD(app_fixture, "a blocking handler's exception is logged and ends its connection",
                 "[app][offload][not-sim]") {
  service& shouting = app.add_service(service(offload<shouting_handler>(), 0));

  run([&]() -> task<> {
    connection bad = co_await connect_to(shouting);
    connection lost = co_await connect_to(shouting);
    co_await bad.send("throw\n");
    co_await expect_end(bad);
    co_await lost.send("server\n");
    co_await expect_end(lost);
  });

  REQUIRE(log.of(log::level::error).size() == 2);
  CHECK_THAT(log.of(log::level::error)[0], ContainsSubstring("it was told to"));
  CHECK_THAT(log.of(log::level::error)[1], ContainsSubstring("no socketserver"));
}

TEST_CASE_METHOD(app_fixture, "beyond their limit blocking handlers leave connections waiting",
                 "[app][offload][not-sim]") {
  temporary_folder folder;
  const std::string path = folder.path_of("socket");
  service& shouting = app.add_service(unix_service(offload<shouting_handler>(1), path));

  run([&]() -> task<> {
    connection first = co_await connect_unix(path);
    const std::string heard = co_await ask(first, "one\n");
    CHECK(heard == "ONE\n");
    connection second = co_await connect_unix(path);
    co_await second.send("two\n");
    const std::string again = co_await ask(first, "one\n");
    CHECK(again == "ONE\n");
    CHECK(shouting.connections() == 1);
    co_await first.send_eof();
    const std::string then = co_await second.until_eol();
    CHECK(then == "TWO\n");
  });
}

TEST_CASE_METHOD(app_fixture, "a stop breaks the connection of a handler that blocks",
                 "[app][offload][not-sim]") {
  service& shouting = app.add_service(service(offload<shouting_handler>(), 0));
  app.drain(1ms);

  run([&]() -> task<> {
    connection one = co_await connect_to(shouting);
    const std::string answer = co_await ask(one, "hello\n");
    CHECK(answer == "HELLO\n");
    stop();
    co_await expect_end(one);
  });

  CHECK(log.has("stopped: 0 drained, 1 cut"));
}

TEST_CASE_METHOD(app_fixture, "a socketserver runs as a task beside services",
                 "[app][serve][not-sim]") {
  socketserver::ThreadingTCPServer server({"localhost", 0},
                                          socketserver::handler<shouting_handler>);
  service& echoing = app.add_service(service(echo_lines, 0));
  app.add_task(serve, std::ref(server));

  run([&]() -> task<> {
    connection loud = co_await connect("127.0.0.1", server.server_address().port());
    connection plain = co_await connect_to(echoing);
    const std::string answer = co_await ask(loud, "hello\n");
    CHECK(answer == "HELLO\n");
    const std::string echoed = co_await ask(plain, "hello\n");
    CHECK(echoed == "hello\n");
  });

  CHECK(server.fileno() >= 0);  // the stop has ended its loop, and nothing else
}

TEST_CASE_METHOD(app_fixture, "the task of a socketserver ends with its loop",
                 "[app][serve][not-sim]") {
  socketserver::TCPServer server({"localhost", 0}, socketserver::handler<shouting_handler>);

  loop.run([&]() -> task<> {
    auto serving = spawn(serve, std::ref<socketserver::base_server>(server));
    connection one = co_await connect("127.0.0.1", server.server_address().port());
    const std::string answer = co_await ask(one, "hello\n");
    CHECK(answer == "HELLO\n");
    co_await one.send_eof();
    server.request_shutdown();
    co_await serving;
  });
}

TEST_CASE_METHOD(app_fixture, "what leaves a socketserver's loop is thrown by its task",
                 "[app][serve]") {
  socketserver::TCPServer server({"localhost", 0}, socketserver::handler<shouting_handler>);
  server.server_close();

  CHECK_THROWS_AS(loop.run([&]() -> task<> { co_await serve(server); }), std::logic_error);
}

}  // namespace offload_test
