// The forecast example and a source that is down for a while: the pauses between its tries are
// exact in virtual time.

#include <app/app_fixture.hpp>

#include <cetane/cetane.hpp>

#include <vector>

namespace forecast_test {

#include "../../examples/forecast.cpp"

using namespace cetane;
using namespace cetane::test;

namespace {

task<> sunny(connection& peer) { co_await peer.send("sunny\r\n"); }

std::string text_of_pause(const std::string& line) {
  return line.substr(line.rfind(" in ") + std::string_view(" in ").size());
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "a source that is down is asked again after growing pauses",
                 "[examples][forecast][not-epoll]") {
  forecast today;
  std::uint16_t port = 0;
  {
    service reserved(sunny, 0);
    reserved.start(loop);
    port = reserved.port();
  }
  app.add_task(refresh, std::ref(today), "127.0.0.1", port)
      .label("refresh")
      .keep_alive(restart_policy().backoff(500ms, 1min));

  run([&]() -> task<> {
    co_await sleep(10s);  // it has tried at about 0, 0.5, 1.5, 3.5 and 7.5 s
    CHECK(today.text == "no forecast yet\r\n");
    app.add_service(service(sunny, port));
    co_await sleep(5s);
    CHECK(today.text == "no forecast yet\r\n");
    co_await sleep(1s);  // and at 15.5 s
    CHECK(today.text == "sunny\r\n");
  });

  std::vector<std::string> pauses;
  for (const std::string& line : log.of(log::level::warning)) {
    if (line.find("refresh failed: ") != line.npos) pauses.push_back(text_of_pause(line));
  }
  REQUIRE(pauses == std::vector<std::string>{"500 ms", "1 s", "2 s", "4 s", "8 s"});
}

TEST_CASE_METHOD(app_fixture, "the forecast is asked for once a second",
                 "[examples][forecast][not-epoll]") {
  forecast today;
  int asked = 0;
  const auto source = [](connection& peer, int& count) -> task<> {
    co_await peer.print("forecast {}\r\n", ++count);
  };
  const service& served = app.add_service(service(source, 0, std::ref(asked)));

  run([&]() -> task<> {
    app.add_task(refresh, std::ref(today), "127.0.0.1", served.port()).label("refresh");
    co_await sleep(9500ms);
  });

  REQUIRE(asked == 10);
  REQUIRE(today.text == "forecast 10\r\n");
}

}  // namespace forecast_test
