#include "cetane/net/resolve.hpp"

#include "support/test_loop.hpp"

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace resolve_test {

using namespace cetane;
using cetane::test::test_loop;

namespace {

// What the system reads as 127.0.0.1 without asking anybody, and parse_ip() leaves to it: for us a
// name like any other.
const std::string short_for_loopback = "127.1";

std::vector<std::string> resolved(test_loop& loop, const std::string& host, std::uint16_t port) {
  std::vector<std::string> texts;
  for (const address& each : loop.run(resolve, host, port)) texts.push_back(each.to_string());
  return texts;
}

std::string failure(test_loop& loop, const std::string& host) {
  try {
    loop.run(resolve, host, std::uint16_t{80});
  } catch (const resolve_error& e) {
    return e.what();
  }
  return "none";
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("an IP address is its own answer", "[net][resolve]") {
  test_loop loop;

  CHECK(resolved(loop, "10.1.2.3", 80) == texts{"10.1.2.3:80"});
  CHECK(resolved(loop, "::1", 8013) == texts{"[::1]:8013"});
  CHECK(resolved(loop, "[2001:db8::7]", 1) == texts{"[2001:db8::7]:1"});
  CHECK(loop.loop().stats().messages == 0);
}

TEST_CASE("localhost is known without asking", "[net][resolve][not-sim]") {
  test_loop loop;
  const texts both{"127.0.0.1:80", "[::1]:80"};

  for (const char* host : {"localhost", "LocalHost", "localhost.", "app.localhost"}) {
    CHECK(resolved(loop, host, 80) == both);
  }
  CHECK(loop.loop().stats().messages == 0);
}

TEST_CASE("every name is the loopback address on a simulated network",
          "[net][resolve][not-epoll]") {
  test_loop loop;

  for (const char* host : {"localhost", "db.example.org", "chat"}) {
    CHECK(resolved(loop, host, 80) == texts{"127.0.0.1:80"});
  }
  CHECK(loop.loop().stats().messages == 0);
}

TEST_CASE("a name is looked up once and then remembered, for every port",
          "[net][resolve][not-sim]") {
  test_loop loop;

  CHECK(resolved(loop, short_for_loopback, 80) == texts{"127.0.0.1:80"});
  const auto asked = loop.loop().stats().messages;
  CHECK(resolved(loop, short_for_loopback, 81) == texts{"127.0.0.1:81"});

  CHECK(loop.loop().stats().messages == asked);
}

TEST_CASE("a name that cannot be resolved is named in the error, and asked for again",
          "[net][resolve][not-sim]") {
  test_loop loop;
  const std::string too_long =
      std::string(64, 'x') + ".invalid";  // a label has 63 characters at most

  CHECK(failure(loop, too_long).starts_with("resolve " + too_long + ": "));
  CHECK(failure(loop, too_long).starts_with("resolve " + too_long + ": "));

  CHECK(loop.loop().stats().messages == 2);
}

TEST_CASE("what cannot be a name is refused", "[net][resolve]") {
  test_loop loop;

  CHECK(failure(loop, "").starts_with("resolve"));
  CHECK(failure(loop, std::string("localhost\0.example", 18)).starts_with("resolve localhost"));
  CHECK(loop.loop().stats().messages == 0);
}

TEST_CASE("a cancelled task does not wait for the answer", "[net][resolve][not-sim]") {
  test_loop loop;
  auto asking = loop.spawn(resolve, std::string("127.2"), std::uint16_t{80});
  loop.loop().run_once(time_point::min());

  REQUIRE_FALSE(asking.done());
  asking.cancel();

  auto join = [](auto& handle) -> task<> { co_await handle; };
  CHECK_THROWS_AS(loop.run(join, asking), cancelled);
}

}  // namespace resolve_test
