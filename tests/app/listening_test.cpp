#include <app/listening.hpp>

#include <cetane/base/scope_exit.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cerrno>
#include <string>

#include <sys/resource.h>

namespace listening_test {

using namespace cetane;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;

namespace {

address local(std::uint16_t port) { return *address::parse_ip("127.0.0.1", port); }

std::string failure(const address& where, int code, const std::string& option = "--port") {
  return detail::cannot_listen(where, code, option).what();
}

}  // namespace

TEST_CASE("a port in use is told with its holder and two ways out", "[app][listening]") {
  const os::port_holder holder{4711, "echo"};

  REQUIRE_THAT(
      detail::cannot_listen(local(8013), -EADDRINUSE, "--port", holder).what(),
      Equals("cannot listen on 127.0.0.1:8013: address already in use (held by pid 4711 \"echo\"); "
             "try --port 8014, or --port 0 for any free port"));
}

TEST_CASE("what helps against a port in use depends on who can move it", "[app][listening]") {
  REQUIRE_THAT(failure(local(65535), EADDRINUSE, "--chat-port"),
               EndsWith("; try --chat-port 65534, or --chat-port 0 for any free port"));
  REQUIRE_THAT(failure(local(65535), EADDRINUSE, ""),
               EndsWith("; try port 65534, or port 0 for any free port"));
}

TEST_CASE("a failure to listen keeps the system's code", "[app][listening]") {
  REQUIRE(detail::cannot_listen(local(1), -EACCES, "").code() == std::errc::permission_denied);
}

TEST_CASE("a low port is told to need a right", "[app][listening]") {
  REQUIRE_THAT(failure(local(80), EACCES),
               StartsWith("cannot listen on 127.0.0.1:80: permission denied; ports below 1024") &&
                   EndsWith("try --port 8192, or --port 0 for any free port"));
}

TEST_CASE("an address of another machine is told to be one", "[app][listening]") {
  REQUIRE_THAT(failure(local(8013), EADDRNOTAVAIL),
               ContainsSubstring("this machine has no such address; try 127.0.0.1"));
}

TEST_CASE("a path that is taken, or whose folder is missing, is told so", "[app][listening]") {
  const address path = address::unix_path("/nowhere/at/all");

  REQUIRE(failure(path, ENOENT) ==
          "cannot listen on unix:/nowhere/at/all: no such file or directory; the folder has to be "
          "there first");
  REQUIRE_THAT(failure(path, EADDRINUSE), EndsWith("; try another path, or remove the file"));
}

TEST_CASE("too many open files are told with the way to raise the limit", "[app][listening]") {
  REQUIRE_THAT(failure(local(8013), EMFILE), EndsWith("; raise the limit with ulimit -n"));
  REQUIRE_THAT(failure(local(8013), ENFILE), EndsWith("with sysctl fs.file-max"));
}

TEST_CASE("who asks for any free port is not told to try the next one", "[app][listening]") {
  REQUIRE_THAT(
      failure(local(0), EADDRINUSE),
      EndsWith("; all free ports are in use; see the sysctl net.ipv4.ip_local_port_range"));
  REQUIRE_THAT(failure(local(0), EACCES), EndsWith(": permission denied"));
}

TEST_CASE("a host to listen on is an IP address or a name of this machine", "[app][listening]") {
  REQUIRE(detail::listening_place("0.0.0.0", 1).to_string() == "0.0.0.0:1");
  REQUIRE(detail::listening_place("::1", 2).to_string() == "[::1]:2");
  REQUIRE(detail::listening_place("localhost", 3).to_string() == "127.0.0.1:3");
}

TEST_CASE("a host that has no address is refused with what helps", "[app][listening]") {
  try {
    detail::listening_place("no such host\n", 8013);
    FAIL("that is a host");
  } catch (const error& e) {
    REQUIRE_THAT(e.what(),
                 StartsWith("cannot listen on no such host\\n:8013: ") &&
                     EndsWith("; try 127.0.0.1, or 0.0.0.0 for all addresses of this machine"));
  }
}

TEST_CASE("a name that cannot be looked up for want of descriptors is told so, with what helps",
          "[app][listening]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  std::string said;
  {
    const scope_exit restore([&] { ::setrlimit(RLIMIT_NOFILE, &before); });
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    try {
      detail::listening_place("some.host.invalid", 8013);
    } catch (const error& e) {
      said = e.what();
    }
  }
  REQUIRE(said ==
          "cannot listen on some.host.invalid:8013: too many open files; raise the limit with "
          "ulimit -n");
}

}  // namespace listening_test
