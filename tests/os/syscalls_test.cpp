#include "os/syscalls.hpp"

#include "os/socket.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace syscalls_test {

namespace os = cetane::os;
using cetane::unique_fd;

namespace {

struct pair {
  pair() { REQUIRE(os::make_socket_pair(one, other) == 0); }
  unique_fd one, other;
};

std::string received(int fd) {
  std::array<char, 100> buffer{};
  const long count = os::recv(fd, buffer.data(), buffer.size());
  return count < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(count));
}

}  // namespace

TEST_CASE("what is sent is received", "[os][syscalls]") {
  const pair p;

  CHECK(os::send(p.one.get(), "hello", 5) == 5);
  CHECK(received(p.other.get()) == "hello");
}

TEST_CASE("sendmsg sends its parts in one go", "[os][syscalls]") {
  const pair p;
  std::string first = "you said ", second = "hello";
  std::array<iovec, 2> parts{{{first.data(), first.size()}, {second.data(), second.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();

  CHECK(os::sendmsg(p.one.get(), message) == 14);
  CHECK(received(p.other.get()) == "you said hello");
}

TEST_CASE("the end of input is a count of zero", "[os][syscalls]") {
  pair p;
  char byte = 0;

  p.one.reset();

  CHECK(os::recv(p.other.get(), &byte, 1) == 0);
}

TEST_CASE("calls that would wait say EAGAIN, in whatever mode the descriptor is",
          "[os][syscalls]") {
  const pair p;
  REQUIRE(::fcntl(p.one.get(), F_SETFL, 0) == 0);  // blocking
  const std::string much(1 << 20, 'x');
  char byte = 0;

  CHECK(os::recv(p.one.get(), &byte, 1) == -EAGAIN);
  CHECK(os::send(p.one.get(), much.data(), much.size()) < static_cast<long>(much.size()));
  CHECK(os::send(p.one.get(), much.data(), much.size()) == -EAGAIN);
}

TEST_CASE("sending to who has gone is an errno and no signal", "[os][syscalls]") {
  REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);  // would end the test
  pair p;
  msghdr message{};
  char byte = 'x';
  iovec part{&byte, 1};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  p.other.reset();

  CHECK(os::send(p.one.get(), "x", 1) == -EPIPE);
  CHECK(os::sendmsg(p.one.get(), message) == -EPIPE);
}

TEST_CASE("failures are negative errno values", "[os][syscalls]") {
  char byte = 0;
  errno = 0;

  CHECK(os::recv(-1, &byte, 1) == -EBADF);
  CHECK(os::send(-1, &byte, 1) == -EBADF);
  CHECK(os::sendmsg(-1, msghdr{}) == -EBADF);
  CHECK((errno == EBADF) == os::syscalls_through_libc);  // only libc touches errno
}

TEST_CASE("the environment chooses the way through libc", "[os][syscalls]") {
  const char* choice = std::getenv("CETANE_SYSCALLS");

  CHECK(os::syscalls_through_libc == (choice != nullptr && std::string_view(choice) == "libc"));
}

// Runs all of the above once more in a child that was told to go through libc.
TEST_CASE("through libc everything is the same", "[os][syscalls-in-child]") {
  std::string program = "/proc/self/exe", cases = "[syscalls]", option = "--out",
              sink = "/dev/null";
  std::array<char*, 5> arguments{program.data(), cases.data(), option.data(), sink.data(), nullptr};
  std::string choice = "CETANE_SYSCALLS=libc";
  std::vector<char*> environment{choice.data()};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("CETANE_SYSCALLS=")) {
      environment.push_back(*variable);
    }
  }
  environment.push_back(nullptr);

  pid_t child = 0;
  REQUIRE(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(),
                        environment.data()) == 0);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(status == 0);
}

}  // namespace syscalls_test
