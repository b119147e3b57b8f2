#include "os/file.hpp"

#include "os/socket.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>

namespace file_test {

using namespace cetane::os;
using cetane::unique_fd;

namespace {

struct open_file {
  explicit open_file(const std::string& text) {
    REQUIRE(open_for_reading(folder.write("data", text).c_str(), fd) == 0);
  }
  temporary_folder folder;
  unique_fd fd;
};

std::string read_text(int fd, std::size_t size, std::uint64_t offset) {
  std::string text(size, '?');
  const long count = read_at(fd, text.data(), size, offset);
  REQUIRE(count >= 0);
  return text.substr(0, static_cast<std::size_t>(count));
}

}  // namespace

TEST_CASE("a file is opened and looked at", "[os][file]") {
  const open_file file("0123456789");
  file_facts facts;

  CHECK(look_at_file(file.fd.get(), facts) == 0);

  CHECK(facts.size == 10);
  CHECK(facts.is_regular);
}

TEST_CASE("what is no regular file says so", "[os][file]") {
  unique_fd read_end, write_end;
  REQUIRE(make_pipe(read_end, write_end) == 0);
  file_facts facts;
  facts.is_regular = true;

  CHECK(look_at_file(read_end.get(), facts) == 0);
  CHECK_FALSE(facts.is_regular);
}

TEST_CASE("a FIFO that nobody writes to is opened without waiting", "[os][file]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  unique_fd fd;
  file_facts facts;

  CHECK(open_for_reading(path.c_str(), fd) == 0);
  CHECK(look_at_file(fd.get(), facts) == 0);
  CHECK_FALSE(facts.is_regular);
}

TEST_CASE("a file that is not there is its errno", "[os][file]") {
  const temporary_folder folder;
  unique_fd fd;
  file_facts facts;

  CHECK(open_for_reading(folder.path_of("nothing").c_str(), fd) == -ENOENT);
  CHECK_FALSE(fd);
  CHECK(look_at_file(-1, facts) == -EBADF);
  CHECK(read_at(-1, &facts, 1, 0) == -EBADF);
}

TEST_CASE("a file is read at any place, up to its end", "[os][file]") {
  const open_file file("0123456789");

  CHECK(read_text(file.fd.get(), 4, 0) == "0123");
  CHECK(read_text(file.fd.get(), 4, 3) == "3456");
  CHECK(read_text(file.fd.get(), 4, 8) == "89");
  CHECK(read_text(file.fd.get(), 4, 10).empty());
  CHECK(read_text(file.fd.get(), 4, 1000).empty());
}

TEST_CASE("a file goes to a socket in parts", "[os][file]") {
  const open_file file("0123456789");
  unique_fd one, other;
  REQUIRE(make_socket_pair(one, other) == 0);
  std::uint64_t offset = 2;
  std::array<char, 100> buffer{};

  CHECK(send_file(one.get(), file.fd.get(), offset, 5) == 5);
  CHECK(offset == 7);
  CHECK(send_file(one.get(), file.fd.get(), offset, 5) == 3);
  CHECK(send_file(one.get(), file.fd.get(), offset, 5) == 0);
  CHECK(offset == 10);

  REQUIRE(::recv(other.get(), buffer.data(), buffer.size(), 0) == 8);
  CHECK(std::string(buffer.data(), 8) == "23456789");
}

TEST_CASE("a full socket takes nothing of a file and leaves the place in it", "[os][file]") {
  const open_file file(std::string(1 << 20, 'x'));
  unique_fd one, other;
  REQUIRE(make_socket_pair(one, other) == 0);
  std::uint64_t offset = 0;

  while (send_file(one.get(), file.fd.get(), offset, 1 << 20) > 0) {
  }

  const std::uint64_t reached = offset;
  CHECK((reached > 0 && reached < (1 << 20)));
  CHECK(send_file(one.get(), file.fd.get(), offset, 1) == -EAGAIN);
  CHECK(offset == reached);
}

TEST_CASE("what sendfile cannot read is refused", "[os][file]") {
  unique_fd one, other, read_end, write_end;
  REQUIRE(make_socket_pair(one, other) == 0);
  REQUIRE(make_pipe(read_end, write_end) == 0);
  std::uint64_t offset = 0;

  const long result = send_file(one.get(), read_end.get(), offset, 10);

  CHECK((result == -EINVAL || result == -ESPIPE));
  CHECK(offset == 0);
}

TEST_CASE("sending a file to who has gone is an errno and no signal", "[os][file]") {
  REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);  // would end the test
  const open_file file("0123456789");
  unique_fd one, other;
  REQUIRE(make_socket_pair(one, other) == 0);
  other.reset();
  std::uint64_t offset = 0;

  CHECK(send_file(one.get(), file.fd.get(), offset, 10) == -EPIPE);

  sigset_t blocked;
  sigset_t pending;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0);
  REQUIRE(::sigpending(&pending) == 0);
  CHECK(::sigismember(&blocked, SIGPIPE) == 0);
  CHECK(::sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("a signal that waited before stays", "[os][file]") {
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0);
  REQUIRE(::raise(SIGPIPE) == 0);
  const open_file file("0123456789");
  unique_fd one, other;
  REQUIRE(make_socket_pair(one, other) == 0);
  other.reset();
  std::uint64_t offset = 0;

  CHECK(send_file(one.get(), file.fd.get(), offset, 10) == -EPIPE);

  REQUIRE(::sigpending(&pending) == 0);
  CHECK(::sigismember(&pending, SIGPIPE) == 1);
  const timespec at_once{};
  CHECK(::sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE);
  REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

}  // namespace file_test
