// Services and connects over TLS.
#include <app/app_fixture.hpp>
#include <support/expect.hpp>
#include <tls/test_certificates.hpp>

#include <cetane/app/offload.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/socketserver/stream_request_handler.hpp>
#include <cetane/tls/tls.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace tls_service_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

struct silent_handler : socketserver::stream_request_handler {
  void handle() override {}
};

tls_context own_context() {
  const certificates::files& own = certificates::localhost();
  return tls_context::server(own.certificate, own.key);
}
tls_context trusting() {
  return tls_context::client().trust(certificates::authority().certificate);
}

std::size_t handshake_lines(const captured_log& log) {
  const std::vector<std::string> lines = log.of(log::level::info);
  return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(),
      [](const std::string& line) { return line.find("TLS handshake") != line.npos; }));
}

task<std::string> ask(const service& of, tls_context context) {
  connection c = co_await connect_to(of).tls(context);
  co_await c.send("hello\n");
  co_return co_await c.until_eol();
}

TEST_CASE("TCP-1, TCP-2: a service over TLS answers, and its handler need not know", "[tls]") {
  app_fixture f;
  const service& echo = f.app.add_service(service(echo_lines, 0).tls(own_context()));
  std::string answer;
  const int status = f.run([&]() -> task<> { answer = co_await ask(echo, trusting()); });
  CHECK(status == 0);
  CHECK(answer == "hello\n");
}

TEST_CASE("NEW-28: plain text to a secure service is one line in the log, others are served",
          "[tls]") {
  app_fixture f;
  int handlers = 0;
  auto handler = [&handlers](connection& peer) -> task<> {
    ++handlers;
    co_await echo_lines(peer);
  };
  const service& echo = f.app.add_service(service(handler, 0).tls(own_context()));
  std::string answer;
  f.run([&]() -> task<> {
    connection plain = co_await connect_to(echo);
    co_await plain.send("GET / HTTP/1.1\r\n\r\n");
    co_await thrown_by(plain.until_eof());
    answer = co_await ask(echo, trusting());
  });
  CHECK(answer == "hello\n");
  CHECK(handlers == 1);
  CHECK(handshake_lines(f.log) == 1);
  CHECK(f.log.has("the peer speaks plain HTTP here"));
  CHECK(f.log.of(log::level::error).empty());
}

TEST_CASE("a peer that connects and says nothing is no line in the log", "[tls]") {
  app_fixture f;
  const service& echo = f.app.add_service(service(echo_lines, 0).tls(own_context()));
  f.run([&]() -> task<> {
    connection silent = co_await connect_to(echo);
    co_await silent.send_eof();
    co_await thrown_by(silent.until_eof());
  });
  CHECK(handshake_lines(f.log) == 0);
  CHECK(f.log.of(log::level::error).empty());
}

TEST_CASE("W19: a connect takes no server of another name", "[tls]") {
  app_fixture f;
  const service& echo = f.app.add_service(service(echo_lines, 0).tls(own_context()));
  std::string error;
  f.run([&]() -> task<> {
    error = co_await thrown_by(connect_to(echo).tls(trusting(), "example.org"));
  });
  CHECK_THAT(error, ContainsSubstring("hostname mismatch, it is for localhost"));
}

TEST_CASE("the time for a connect covers its handshake", "[tls]") {
  app_fixture f;
  auto silent = [](connection& peer) -> task<> { co_await peer.until_eof(); };
  const service& mute = f.app.add_service(service(silent, 0));
  std::string error;
  f.run([&]() -> task<> {
    error = co_await thrown_by(connect_to(mute).tls(trusting()).timeout(50ms));
  });
  CHECK_THAT(error, ContainsSubstring("no connection within 50 ms"));
}

TEST_CASE("a stop does not wait for peers in the midst of a handshake", "[tls]") {
  app_fixture f;
  const service& echo = f.app.add_service(service(echo_lines, 0).tls(own_context()));
  f.run([&]() -> task<> {
    connection silent = co_await connect_to(echo);
    co_await sleep(1ms);
    f.stop();
    co_await thrown_by(silent.until_eof());
  });
  CHECK(f.stopping() < 2s);
}

TEST_CASE("what a handler has sent over TLS arrives though it returns at once", "[tls]") {
  app_fixture f;
  const std::string text = pattern(1'000'000);
  const service& giver =
      f.app.add_service(service(send_and_return, 0, std::cref(text)).tls(own_context()));
  std::string all;
  f.run([&]() -> task<> {
    connection c = co_await connect_to(giver).tls(trusting());
    all = co_await c.until_eof();
  });
  CHECK(all == text);
}

TEST_CASE("a service whose certificate cannot be read does not start", "[tls]") {
  app_fixture f;
  f.app.add_service(
      service(echo_lines, 0).tls(tls_context::server("/no/such.pem", "/no/such.key")));
  CHECK(f.app.run() == 3);
}

TEST_CASE("a Unix socket is secure where the certificate's name is said", "[tls]") {
  app_fixture f;
  const std::string path = "@cetane-tls-service-" + std::to_string(::getpid());
  f.app.add_service(unix_service(echo_lines, path).tls(own_context()));
  std::string answer;
  std::string error;
  f.run([&]() -> task<> {
    connection c = co_await connect_unix(path).tls(trusting(), "localhost");
    co_await c.send("hello\n");
    answer = co_await c.until_eol();
    error = co_await thrown_by(connect_unix(path).tls(trusting()));
  });
  CHECK(answer == "hello\n");
  CHECK_THAT(error, ContainsSubstring("it needs the name"));
}

TEST_CASE("a blocking handler is not served over TLS", "[tls]") {
  service blocking(offload<silent_handler>(), 0);
  CHECK_THROWS_AS(blocking.tls(own_context()), std::logic_error);
}

}  // namespace tls_service_test
