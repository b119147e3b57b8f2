#include <cetane/base/limits.hpp>

#include <catch2/catch_test_macros.hpp>

namespace limits_test {

using namespace std::chrono_literals;
using namespace cetane::literals;

// These figures stand in the documentation; changing one is changing a promise.
TEST_CASE("the limits are those that are documented", "[base][limits]") {
  const cetane::service_limits service;
  const cetane::connection_limits& connection = service.connection;

  CHECK(connection.line_bytes == 65'536);
  CHECK(connection.receive_bytes == 16'777'216);
  CHECK(connection.until_eof_bytes == 16'777'216);
  CHECK(connection.output_high_bytes == 65'536);
  CHECK(connection.output_low_bytes == 16'384);
  CHECK(connection.output_bytes == 262'144);
  CHECK(connection.close_stall == 10s);
  CHECK(connection.close_linger == 1s);
  CHECK(service.backlog == 500);
  CHECK(service.accepts_per_wake_up == 64);
  CHECK(service.drain == 5s);
  CHECK(service.clean_up == 1s);
  CHECK(cetane::descriptors_kept_free == 64);
  CHECK(cetane::default_connect_timeout == 30s);
  CHECK(cetane::default_mailbox_limit == 65'536);
}

TEST_CASE("sizes read as they are written", "[base][limits]") {
  CHECK(4_KiB == 4096);
  CHECK(1_MiB == 1024 * 1_KiB);
}

}  // namespace limits_test
