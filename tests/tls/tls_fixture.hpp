#pragma once

#include <net/net_fixture.hpp>
#include <support/expect.hpp>
#include <tls/test_certificates.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/all.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/tls/tls.hpp>

#include <string>
#include <utility>

namespace cetane::test {

inline tls_context localhost_server() {
  const certificates::files& own = certificates::localhost();
  return tls_context::server(own.certificate, own.key);
}

inline tls_context trusting_client() {
  return tls_context::client().trust(certificates::authority().certificate);
}

/// Both ends of a connection; `here` is the client's. meet() makes them secure.
struct tls_fixture : net_fixture {
  tls_context server = localhost_server();
  tls_context client = trusting_client();

  void meet(std::string name = "localhost") {
    auto both = [](connection& here, connection& there, tls_context& client, tls_context& server,
                   std::string name) -> task<> {
      co_await all(client.connect(here, name), server.accept(there));
    };
    loop.run(both, here, there, client, server, name);
  }

  /// What the two handshakes end with, as text; empty for the one that goes well.
  struct outcome {
    std::string here;
    std::string there;
  };
  outcome try_to_meet(std::string name = "localhost") {
    auto client_task = [](connection& c, tls_context& context,
                          std::string name) -> task<std::string> {
      co_return co_await thrown_by(context.connect(c, name));
    };
    auto server_task = [](connection& c, tls_context& context) -> task<std::string> {
      std::string text = co_await thrown_by(context.accept(c));
      if (!text.empty()) c.close();
      co_return text;
    };
    auto from = loop.spawn(client_task, std::ref(here), std::ref(client), name);
    auto to = loop.spawn(server_task, std::ref(there), std::ref(server));
    outcome both;
    both.here = result(from);
    if (!both.here.empty()) here.close();
    both.there = result(to);
    return both;
  }
};

}  // namespace cetane::test
