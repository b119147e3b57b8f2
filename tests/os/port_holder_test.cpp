#include "os/port_holder.hpp"

#include "os/socket.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fstream>
#include <string>

#include <unistd.h>

namespace port_holder_test {

using cetane::address;
using cetane::unique_fd;
using cetane::os::find_port_holder;

namespace {

struct listener {
  explicit listener(const address& wanted) {
    REQUIRE(cetane::os::listen_on(wanted, {}, fd) == 0);
    REQUIRE(cetane::os::local_address(fd.get(), where) == 0);
  }
  unique_fd fd;
  address where;
};

std::string own_name() {
  std::string name;
  std::ifstream in("/proc/self/comm");
  std::getline(in, name);
  return name;
}

void check_that_it_is_this_process(const address& where) {
  const auto holder = find_port_holder(where);
  REQUIRE(holder);
  CHECK(holder->pid == ::getpid());
  CHECK(holder->name == own_name());
}

}  // namespace

TEST_CASE("who listens on a TCP port is found", "[os][port_holder]") {
  const char* host = GENERATE("127.0.0.1", "::1");
  const listener server(*address::parse_ip(host, 0));

  check_that_it_is_this_process(server.where);
}

TEST_CASE("who listens at a Unix path is found", "[os][port_holder]") {
  const temporary_folder folder;
  const listener server(address::unix_path(folder.path_of("s")));

  check_that_it_is_this_process(server.where);
}

TEST_CASE("who listens under an abstract name is found", "[os][port_holder]") {
  const listener server(address::unix_path("@cetane-holder-" + std::to_string(::getpid())));

  check_that_it_is_this_process(server.where);
}

TEST_CASE("a port where nobody listens has no holder", "[os][port_holder]") {
  const temporary_folder folder;
  listener server(*address::parse_ip("127.0.0.1", 0));
  unique_fd client;
  REQUIRE(cetane::os::begin_connect(server.where, nullptr, client) <= 0);
  server.fd.reset();  // the client's socket remains, and listens to nobody

  CHECK_FALSE(find_port_holder(server.where));
  CHECK_FALSE(find_port_holder(address::unix_path(folder.path_of("s"))));
}

}  // namespace port_holder_test
