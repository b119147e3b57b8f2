// W27: diesel has no way to stop a service that runs, and leaves its port bound.
#include <app/app_fixture.hpp>

#include <cetane/base/errors.hpp>

#include <optional>
#include <string>

namespace service_removal_test {

using namespace cetane;
using namespace cetane::test;

namespace {

task<std::string> answer_of(connection& c, std::string question) {
  co_await c.send(question, "\n");
  co_return co_await c.until_eol();
}

task<bool> is_refused(std::uint16_t port) {
  try {
    co_await connect("127.0.0.1", port);
  } catch (const connect_error&) {
    co_return true;
  }
  co_return false;
}

}  // namespace

TEST_CASE_METHOD(app_fixture,
                 "W27: a service of a running application stops alone, and its port is free again",
                 "[app][service]") {
  service& leaves = app.add_service(service(echo_lines, 0));
  const service& stays = app.add_service(service(echo_lines, 0));

  const int status = run([&]() -> task<> {
    const std::uint16_t port = leaves.port();
    connection before = co_await connect_to(leaves);
    CHECK(co_await answer_of(before, "in time") == "in time\n");
    leaves.stop();
    CHECK(co_await is_refused(port));
    leaves.stop();  // once more is nothing

    CHECK(co_await answer_of(before, "still there") == "still there\n");
    connection other = co_await connect_to(stays);
    CHECK(co_await answer_of(other, "and you") == "and you\n");

    const service& instead = app.add_service(service(echo_lines, port));
    connection after = co_await connect_to(instead);
    CHECK(co_await answer_of(after, "anew") == "anew\n");
    CHECK(co_await answer_of(before, "to the end") == "to the end\n");
  });

  REQUIRE(status == 0);
  REQUIRE(log.of(log::level::error).empty());
}

TEST_CASE("W27: the end of a service closes its listener, and its handlers go on",
          "[app][service]") {
  test_loop loop;
  std::optional<service> s(std::in_place, echo_lines, 0);
  s->start(loop);

  loop.run([&]() -> task<> {
    const std::uint16_t port = s->port();
    connection c = co_await connect_to(*s);
    CHECK(co_await answer_of(c, "hello") == "hello\n");
    s.reset();
    CHECK(co_await is_refused(port));
    CHECK(co_await answer_of(c, "who answers now") == "who answers now\n");
    co_await c.send_eof();
    CHECK(co_await c.until_eof() == "");
  });
}

TEST_CASE("W27: end_now() ends handlers where they are, and their connections", "[app][service]") {
  test_loop loop;
  service s(echo_lines, 0);
  s.start(loop);

  loop.run([&]() -> task<> {
    const std::uint16_t port = s.port();
    connection c = co_await connect_to(s);
    CHECK(co_await answer_of(c, "hello") == "hello\n");
    CHECK(s.connections() == 1);
    s.end_now();
    CHECK(co_await is_refused(port));
    CHECK(co_await c.until_eof() == "");
    c.close();
    while (s.connections() != 0) co_await sleep(1ms);
  });
}

}  // namespace service_removal_test
