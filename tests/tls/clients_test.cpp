// Whoever connects may do so over TLS: by a name with several addresses, for a client, for a pool.
#include <app/app_fixture.hpp>
#include <support/expect.hpp>
#include <tls/test_certificates.hpp>

#include <cetane/app/client.hpp>
#include <cetane/app/connection_pool.hpp>
#include <cetane/app/udp_service.hpp>
#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_names.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/tls/tls.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tls_clients_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

tls_context context_of(const std::string& names) {
  certificates::wanted as;
  as.names = names;
  const certificates::files made = certificates::make(as);
  return tls_context::server(made.certificate, made.key);
}

tls_context trusting() {
  return tls_context::client().trust(certificates::authority().certificate);
}

address ip(const char* text) { return *address::parse_ip(text, 0); }

task<> listen_in_silence(connection& peer) { co_await thrown_by(peer.until_eof()); }

// The connection is ended with the answer to "last".
task<> answer_lines(connection& peer) {
  while (const auto line = co_await peer.next_line()) {
    co_await peer.send("you said ", *line, "\n");
    if (*line == "last") co_return;
  }
}

class line_client : public client {
 public:
  using client::client;

  task<std::string> ask(std::string question) {
    call asking(*this, "ask");
    co_await asking->send(question, "\n");
    std::string answer = co_await asking->until_eol();
    asking.done();
    co_return answer;
  }

  task<> give_up() {
    call asking(*this, "give up");
    co_await asking->send("half of a qu");
    throw std::runtime_error("changed its mind");
  }
};

// From which port it was asked.
task<std::uint16_t> port_used(connection_pool& of, std::string question) {
  auto server = co_await of.acquire();
  co_await server->send(question, "\n");
  const std::string answer = co_await server->until_eol();
  CHECK(answer == "you said " + question + "\n");
  const std::uint16_t port = server->local().port();
  server.give_back();
  co_return port;
}

TEST_CASE("a secure connect by a name takes the address that answers, and looks for that name",
          "[tls][not-epoll]") {
  app_fixture f;
  const service& server = f.app.add_service(
      service(answer_lines, 0).host("127.0.0.3").tls(context_of("DNS:db.example")));
  auto& names = simulation::of(f.loop.loop()).names();
  names.set("db.example", {ip("127.0.0.2"), ip("::1"), ip("127.0.0.3")});
  names.set("other.example", {ip("127.0.0.2"), ip("127.0.0.3")});
  std::string answer;
  std::string error;
  f.run([&]() -> task<> {
    connection c = co_await connect("db.example", server.port()).tls(trusting());
    co_await c.send("hello\n");
    answer = co_await c.until_eol();
    error = co_await thrown_by(connect("other.example", server.port()).tls(trusting()));
  });
  CHECK(answer == "you said hello\n");
  CHECK_THAT(error, ContainsSubstring("hostname mismatch, it is for db.example"));
}

TEST_CASE("the time for a connect is one for name, connection and TLS together",
          "[tls][not-epoll]") {
  app_fixture f;
  const service& mute = f.app.add_service(service(listen_in_silence, 0));
  auto& names = simulation::of(f.loop.loop()).names();
  names.set("db.example", {ip("127.0.0.1")});
  names.take(2s, 2s);
  std::string error;
  duration took{};
  f.run([&]() -> task<> {
    const time_point begun = f.loop.loop().now();
    error = co_await thrown_by(connect("db.example", mute.port()).tls(trusting()).timeout(3s));
    took = f.loop.loop().now() - begun;
  });
  CHECK(took == 3s);
  CHECK_THAT(error, ContainsSubstring("connect to db.example:") &&
                        ContainsSubstring("over TLS: no connection within 3 s") &&
                        ContainsSubstring("there was no agreement with 127.0.0.1:"));
}

TEST_CASE("a client's calls go over TLS, and one that is given up closes the connection", "[tls]") {
  app_fixture f;
  const service& server =
      f.app.add_service(service(answer_lines, 0).tls(context_of("DNS:localhost,IP:127.0.0.1")));
  f.run([&]() -> task<> {
    const tls_context context = trusting();
    line_client db(co_await connect_to(server).tls(context));
    const std::string one = co_await db.ask("one");
    co_await sleep(5ms);  // what TLS says by itself is nothing that nobody has asked for
    CHECK(db.is_idle());
    const std::string two = co_await db.ask("two");
    CHECK(one == "you said one\n");
    CHECK(two == "you said two\n");
    co_await thrown_by(db.give_up());
    CHECK(db.is_closed());
  });
}

TEST_CASE("a pool keeps secure connections, and closes those whose peer has left", "[tls]") {
  app_fixture f;
  const service& server =
      f.app.add_service(service(answer_lines, 0).tls(context_of("DNS:localhost,IP:127.0.0.1")));
  const tls_context context = trusting();
  auto make = [&server, &context]() -> task<connection> {
    co_return co_await connect_to(server).tls(context);
  };
  f.run([&]() -> task<> {
    connection_pool all(make);
    const std::uint16_t one = co_await port_used(all, "one");
    co_await sleep(5ms);
    const std::uint16_t two = co_await port_used(all, "last");
    CHECK(one == two);
    co_await sleep(5ms);
    const std::uint16_t three = co_await port_used(all, "three");
    CHECK(three != two);
    CHECK(all.idle() == 1);
  });
}

TEST_CASE("a service of datagrams is not served over TLS", "[tls]") {
  service datagrams = udp_service([](udp_socket&) -> task<> { co_return; }, 0);
  CHECK_THROWS_WITH(datagrams.tls(context_of("DNS:localhost")),
                    ContainsSubstring("TLS, which is for streams"));
}

}  // namespace tls_clients_test
