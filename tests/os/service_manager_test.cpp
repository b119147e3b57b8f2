#include <os/service_manager.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace service_manager_test {

using namespace cetane;
using namespace std::chrono_literals;
using Catch::Matchers::MessageMatches;
using Catch::Matchers::StartsWith;
using os::service_manager;
using variables = service_manager::variables;

TEST_CASE("without NOTIFY_SOCKET there is no manager, whatever else is set",
          "[os][service_manager]") {
  REQUIRE_FALSE(service_manager().is_there());
  const service_manager nobody(variables{nullptr, "garbage", nullptr}, 12);
  REQUIRE_FALSE(nobody.is_there());
  REQUIRE(nobody.watchdog() == 0s);
  REQUIRE(nobody.variables_for("13").empty());
}

TEST_CASE("a manager is at a path or has an abstract name", "[os][service_manager]") {
  for (const char* const where : {"/run/systemd/notify", "@notify"}) {
    REQUIRE(service_manager(variables{where}, 12).is_there());
  }
  const std::string too_long(200, '/');
  for (const char* const where : {"", "/", "@", "notify", "vsock:2:1234", too_long.c_str()}) {
    INFO(where);
    CHECK_THROWS_MATCHES(service_manager(variables{where}, 12), error,
                         MessageMatches(StartsWith("NOTIFY_SOCKET: \"")));
  }
}

TEST_CASE("signs of life are for the process that is asked for them", "[os][service_manager]") {
  REQUIRE(service_manager({"@m", "1500000", nullptr}, 12).watchdog() == 1500ms);
  REQUIRE(service_manager({"@m", "1500000", "12"}, 12).watchdog() == 1500ms);
  REQUIRE(service_manager({"@m", "1500000", "13"}, 12).watchdog() == 0s);
  for (const char* const usec : {"", "0", "-5", "1s", "99999999999999999999"}) {
    INFO(usec);
    CHECK_THROWS_MATCHES(service_manager(variables({"@m", usec, nullptr}), 12), error,
                         MessageMatches(StartsWith("WATCHDOG_USEC: \"")));
  }
  CHECK_THROWS_MATCHES(service_manager(variables({"@m", "5", "me"}), 12), error,
                       MessageMatches(StartsWith("WATCHDOG_PID: \"")));
}

TEST_CASE("no child speaks for this process", "[os][service_manager]") {
  ::setenv("NOTIFY_SOCKET", "@m", 1);
  ::setenv("WATCHDOG_USEC", "5", 1);
  ::setenv("WATCHDOG_PID", "1", 1);

  REQUIRE(service_manager::from_environment().is_there());

  for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    CHECK(std::getenv(name) == nullptr);
  }
}

TEST_CASE("who takes this process's place finds the same manager", "[os][service_manager]") {
  REQUIRE(service_manager(variables{"@m"}, 12).variables_for("13") ==
          std::vector<std::string>{"NOTIFY_SOCKET=@m"});
  REQUIRE(
      service_manager({"/run/m", "1500000", "12"}, 12).variables_for("13") ==
      std::vector<std::string>{"NOTIFY_SOCKET=/run/m", "WATCHDOG_USEC=1500000", "WATCHDOG_PID=13"});
}

}  // namespace service_manager_test
