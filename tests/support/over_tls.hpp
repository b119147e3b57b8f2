#pragma once

#include <cetane/net/connection.hpp>

#include <cstdlib>
#include <string_view>

namespace cetane::test {

class test_loop;

/// Whether this run is to show that what connections do they do over TLS too: CETANE_TEST_OVER=tls.
inline bool over_tls() {
  const char* const value = std::getenv("CETANE_TEST_OVER");
  return value != nullptr && std::string_view(value) == "tls";
}

/// Makes a connection secure, of which `client` and `server` are the ends.
void make_secure(test_loop& loop, connection& client, connection& server);

}  // namespace cetane::test
