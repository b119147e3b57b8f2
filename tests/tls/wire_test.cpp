// What is on the wire: the server's end is played by hand here, so that it sees the records.
#include <tls/tls_fixture.hpp>

#include <tls/tls_session.hpp>
#include <tls/tls_settings.hpp>

#include <cetane/net/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <fstream>
#include <string>

namespace tls_wire_test {

using namespace cetane;
using namespace cetane::test;
using detail::tls_session;

detail::tls_settings own_settings() {
  const certificates::files& own = certificates::localhost();
  detail::tls_settings settings;
  settings.is_server = true;
  settings.identities.push_back({own.certificate, own.key});
  return settings;
}

/// A server's end that keeps the records it gets.
struct played_server {
  detail::tls_contexts contexts{own_settings()};
  tls_session session{contexts.make_ssl()};
  std::string records;

  played_server() { SSL_set_accept_state(session.ssl()); }

  task<> shake_hands(connection& peer) {
    std::string_view nothing;
    tls_session::state state = session.shake_hands(nothing);
    while (state == tls_session::state::going_on) {
      const chunk bytes = co_await peer.receive_some();
      std::string_view taken = bytes.view();
      state = session.shake_hands(taken);
      records += taken;
      co_await peer.send(session.sealed());
    }
    REQUIRE(state == tls_session::state::done);
  }

  std::string decrypted() {
    std::string plain(records.size(), '\0');
    std::size_t taken = 0;
    std::string_view all = records;
    state = session.read(all, plain.data(), plain.size(), taken);
    plain.resize(taken);
    return plain;
  }

  tls_session::state state = tls_session::state::going_on;
};

TEST_CASE("nothing that is sent over TLS is on the wire as it is, however it is sent", "[tls]") {
  tls_fixture f;
  played_server server;
  auto connects = f.loop.spawn([&]() -> task<> { co_await f.client.connect(f.here, "localhost"); });
  f.loop.run([&]() -> task<> { co_await server.shake_hands(f.there); });
  f.result(connects);

  const std::string mark = "attack at dawn ";
  std::string file = certificates::localhost().certificate + ".txt";
  std::ofstream(file) << mark << pattern(100'000);
  std::string sent;
  auto sends = f.loop.spawn([&]() -> task<> {
    connection& c = f.here;
    co_await c.send(mark);
    co_await c.send(mark, mark);
    co_await c.print("{}", mark);
    CHECK(c.try_send(mark));
    co_await c.drain();
    co_await c.send(mark);
    const std::string page = mark + pattern(5'000);
    co_await c.send(page);
    const std::string much = mark + pattern(300'000);
    co_await c.send(much);
    co_await c.send_file(file);
    co_await c.send(priority(9), mark);
    co_await c.send_eof();
    sent = mark + mark + mark + mark + mark + mark + page + much + mark + pattern(100'000) + mark;
  });
  while (auto bytes = f.loop.run(read_next_chunk, f.there)) server.records += *bytes;
  f.result(sends);
  std::remove(file.c_str());

  CHECK(server.records.find(mark.substr(0, 8)) == std::string::npos);
  CHECK(server.decrypted() == sent);
  CHECK(server.state == tls_session::state::done);
}

TEST_CASE("small messages that wait for room leave in full records", "[tls]") {
  tls_fixture f;
  played_server server;
  auto connects = f.loop.spawn([&]() -> task<> { co_await f.client.connect(f.here, "localhost"); });
  f.loop.run([&]() -> task<> { co_await server.shake_hands(f.there); });
  f.result(connects);

  auto sends = f.loop.spawn([&]() -> task<> {
    for (int i = 0; i < 20'000; ++i) co_await f.here.send("0123456789");
    co_await f.here.send_eof();
  });
  while (auto bytes = f.loop.run(read_next_chunk, f.there)) server.records += *bytes;
  f.result(sends);

  CHECK(server.decrypted().size() == 200'000);
  CHECK(server.records.size() < 210'000);  // a record costs 22 bytes: one for each would be 640,000
}

}  // namespace tls_wire_test
