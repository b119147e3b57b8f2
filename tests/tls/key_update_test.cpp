// A peer that changes its keys: it may, but not without end.
#include <tls/tls_fixture.hpp>

#include <tls/tls_session.hpp>
#include <tls/tls_settings.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

namespace tls_key_update_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;
using detail::tls_session;

detail::tls_settings trusting_settings() {
  detail::tls_settings settings;
  settings.authorities_file = certificates::authority().certificate;
  return settings;
}

/// A client's end that is played by hand.
struct played_client {
  detail::tls_contexts contexts{trusting_settings()};
  tls_session session{contexts.make_ssl()};

  played_client() { SSL_set_connect_state(session.ssl()); }

  task<> shake_hands(connection& peer) {
    std::string_view nothing;
    tls_session::state state = session.shake_hands(nothing);
    co_await peer.send(session.sealed());
    while (state == tls_session::state::going_on) {
      const chunk bytes = co_await peer.receive_some();
      std::string_view taken = bytes.view();
      state = session.shake_hands(taken);
      co_await peer.send(session.sealed());
    }
    REQUIRE(state == tls_session::state::done);
  }

  /// The records with which it changes its keys and asks the other side to do so.
  std::string new_keys() {
    std::string_view nothing;
    REQUIRE(SSL_key_update(session.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(session.shake_hands(nothing) == tls_session::state::done);
    return std::string(session.sealed());
  }

  std::string sealed(std::string_view plain) {
    REQUIRE(session.write(plain));
    return std::string(session.sealed());
  }
};

struct key_update_fixture : tls_fixture {
  played_client peer;

  key_update_fixture() {
    auto accepts = loop.spawn([this]() -> task<> { co_await server.accept(there); });
    loop.run([this]() -> task<> { co_await peer.shake_hands(here); });
    result(accepts);
  }
};

TEST_CASE("new keys between two lines change nothing", "[tls]") {
  key_update_fixture f;
  std::string records;
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 5; ++j) records += f.peer.new_keys();
    records += f.peer.sealed("line\n");
  }
  auto sends = f.loop.spawn([&]() -> task<> { co_await f.here.send(records); });
  for (int i = 0; i < 100; ++i) CHECK(f.loop.run(read_line, f.there) == "line\n");
  f.result(sends);
}

TEST_CASE("a peer that changes its keys without end is cut off, and costs no memory", "[tls]") {
  key_update_fixture f;
  std::string records;
  for (int i = 0; i < 5'000; ++i) records += f.peer.new_keys();
  auto floods = f.loop.spawn([&]() -> task<> { co_await thrown_by(f.here.send(records)); });

  const std::string error =
      f.loop.run([&]() -> task<std::string> { co_return co_await thrown_by(f.there.until_eol()); });

  CHECK_THAT(error, ContainsSubstring("the peer changes its keys again and again"));
  CHECK(f.there.queued_bytes() == 0);
  f.there.close();
  f.here.close();
  f.result(floods);
}

}  // namespace tls_key_update_test
