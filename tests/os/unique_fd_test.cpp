#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>

#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace unique_fd_test {

using cetane::unique_fd;

static_assert(!std::is_copy_constructible_v<unique_fd>);
static_assert(std::is_nothrow_move_constructible_v<unique_fd>);
static_assert(sizeof(unique_fd) == sizeof(int));

namespace {

int open_something() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("a descriptor is closed with its owner", "[os][unique_fd]") {
  const int number = open_something();
  {
    const unique_fd owner(number);
    CHECK(owner);
    CHECK(owner.get() == number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("an owner of nothing is false", "[os][unique_fd]") {
  const unique_fd nothing;

  CHECK_FALSE(nothing);
  CHECK(nothing.get() == -1);
}

TEST_CASE("descriptor 0 is one like any other", "[os][unique_fd]") {
  unique_fd zero(0);

  CHECK(zero);
  CHECK(zero.release() == 0);
}

TEST_CASE("moving hands the descriptor over", "[os][unique_fd]") {
  const int number = open_something();
  unique_fd first(number);

  unique_fd second(std::move(first));
  CHECK(second.get() == number);

  const int replaced = open_something();
  unique_fd third(replaced);
  third = std::move(second);
  CHECK(third.get() == number);
  CHECK_FALSE(is_open(replaced));
  CHECK(is_open(number));
}

TEST_CASE("release leaves the descriptor open", "[os][unique_fd]") {
  const int number = open_something();
  {
    unique_fd owner(number);
    CHECK(owner.release() == number);
    CHECK_FALSE(owner);
  }
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("reset closes the old one and owns the new one", "[os][unique_fd]") {
  const int first = open_something();
  const int second = open_something();
  unique_fd owner(first);

  owner.reset(second);
  CHECK_FALSE(is_open(first));
  CHECK(is_open(second));

  owner.reset();
  CHECK_FALSE(is_open(second));
}

}  // namespace unique_fd_test
