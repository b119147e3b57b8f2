#include "cetane/net/readiness.hpp"

#include "support/test_loop.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace readiness_test {

using namespace cetane;
using namespace std::chrono_literals;
using cetane::test::test_loop;

namespace {

struct two_ends {
  unique_fd here;
  unique_fd there;
};

two_ends make_pipe() {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

two_ends make_socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) == 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

void put(const unique_fd& to, std::string_view text) {
  REQUIRE(::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void fill(const unique_fd& to) {
  const std::string block(4096, 'x');
  while (::write(to.get(), block.data(), block.size()) > 0) {
  }
}

void empty(const unique_fd& from) {
  std::array<char, 4096> block{};
  while (::read(from.get(), block.data(), block.size()) > 0) {
  }
}

int lowest_free_descriptor() {
  const unique_fd next(::dup(STDIN_FILENO));
  return next.get();
}

task<> wait_readable(int fd) { co_await readable(fd); }
task<> wait_writable(int fd) { co_await writable(fd); }

// Two passes: whoever could run has run, and waits again.
void settle(test_loop& loop) {
  for (int i = 0; i < 2; ++i) loop.loop().run_once(time_point::min());
}

}  // namespace

TEST_CASE("a descriptor becomes readable when something comes, not before",
          "[net][readiness][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();
  auto waiting = loop.spawn(wait_readable, pipe.here.get());
  settle(loop);
  CHECK_FALSE(waiting.done());

  put(pipe.there, "x");
  settle(loop);

  CHECK(waiting.done());
}

TEST_CASE("what waits already makes a descriptor readable, and so does the end",
          "[net][readiness][not-sim]") {
  test_loop loop;
  two_ends pipe = make_pipe();
  put(pipe.there, "x");
  loop.run(wait_readable, pipe.here.get());
  loop.run(wait_readable, pipe.here.get());  // still there: nothing is remembered between two waits

  empty(pipe.here);
  auto waiting = loop.spawn(wait_readable, pipe.here.get());
  settle(loop);
  CHECK_FALSE(waiting.done());
  pipe.there.reset();
  settle(loop);

  CHECK(waiting.done());
}

TEST_CASE("a descriptor becomes writable when there is room", "[net][readiness][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();
  loop.run(wait_writable, pipe.there.get());
  fill(pipe.there);
  auto waiting = loop.spawn(wait_writable, pipe.there.get());
  settle(loop);
  CHECK_FALSE(waiting.done());

  empty(pipe.here);
  settle(loop);

  CHECK(waiting.done());
}

TEST_CASE("the end of the peer's output is no room for ours", "[net][readiness][not-sim]") {
  test_loop loop;
  const two_ends pair = make_socket_pair();
  fill(pair.here);
  REQUIRE(::shutdown(pair.there.get(), SHUT_WR) == 0);
  auto waiting = loop.spawn(wait_writable, pair.here.get());
  settle(loop);
  CHECK_FALSE(waiting.done());

  empty(pair.there);
  settle(loop);

  CHECK(waiting.done());
}

TEST_CASE("a peer that is gone ends the wait for room", "[net][readiness][not-sim]") {
  test_loop loop;
  two_ends pair = make_socket_pair();
  fill(pair.here);
  auto waiting = loop.spawn(wait_writable, pair.here.get());
  settle(loop);

  pair.there.reset();
  settle(loop);

  CHECK(waiting.done());
}

TEST_CASE("several tasks may wait for one descriptor, in both directions",
          "[net][readiness][not-sim]") {
  test_loop loop;
  const two_ends pair = make_socket_pair();
  fill(pair.here);
  const int free_before = lowest_free_descriptor();
  std::vector<join_handle<>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(loop.spawn(wait_readable, pair.here.get()));
  auto writer = loop.spawn(wait_writable, pair.here.get());
  settle(loop);
  CHECK_FALSE(writer.done());

  empty(pair.there);
  settle(loop);
  CHECK(writer.done());
  for (auto& reader : readers) CHECK_FALSE(reader.done());
  put(pair.there, "x");
  settle(loop);

  for (auto& reader : readers) CHECK(reader.done());
  CHECK(lowest_free_descriptor() == free_before);
}

TEST_CASE("a cancelled wait forgets its descriptor", "[net][readiness][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();
  const int free_before = lowest_free_descriptor();

  loop.run([&pipe]() -> task<> {
    const bool first = co_await move_on_after(1ms, readable(pipe.here.get()));
    CHECK_FALSE(first);
    auto other = spawn(wait_readable, pipe.here.get());
    co_await yield();
    const bool second = co_await move_on_after(1ms, readable(pipe.here.get()));
    CHECK_FALSE(second);
    put(pipe.there, "x");
    co_await other;
  });

  CHECK(lowest_free_descriptor() == free_before);
  CHECK(loop.loop().stats().stale_events == 0);
}

TEST_CASE("an event that comes behind the cancel wakes nobody", "[net][readiness][not-sim]") {
  class cancel_and_write final : public detail::timer {
   public:
    cancel_and_write(join_handle<>& target, const unique_fd& to) : target_(target), to_(to) {}

   private:
    void on_timer() noexcept override {
      target_.cancel();
      put(to_, "x");  // the next poll finds it, before the task has had its turn
    }
    join_handle<>& target_;
    const unique_fd& to_;
  };
  test_loop loop;
  const two_ends pipe = make_pipe();
  bool was_cancelled = false;
  auto waiting = loop.spawn([&]() -> task<> {
    try {
      co_await readable(pipe.here.get());
    } catch (const cancelled&) {
      was_cancelled = true;
    }
  });
  settle(loop);
  cancel_and_write timer(waiting, pipe.there);
  loop.loop().arm(timer, loop.loop().now());

  loop.loop().run_until([&] { return waiting.done(); });

  CHECK(was_cancelled);
}

TEST_CASE("a number that is used again is another descriptor", "[net][readiness][not-sim]") {
  test_loop loop;
  for (int i = 0; i < 3; ++i) {
    const two_ends pipe = make_pipe();
    auto waiting = loop.spawn(wait_readable, pipe.here.get());
    settle(loop);
    CHECK_FALSE(waiting.done());
    put(pipe.there, "x");
    settle(loop);
    CHECK(waiting.done());
  }
}

TEST_CASE("what never makes anybody wait is ready, and others have their turn",
          "[net][readiness][not-sim]") {
  test_loop loop;
  const unique_fd file(::fileno(std::tmpfile()));
  const unique_fd device(::open("/dev/null", O_RDWR | O_CLOEXEC));

  loop.run([&]() -> task<> {
    int turns = 0;
    bool enough = false;
    auto other = spawn([&]() -> task<> {
      while (!enough) {
        co_await yield();
        ++turns;
      }
    });
    for (const int fd : {file.get(), device.get()}) {
      co_await readable(fd);
      co_await writable(fd);
    }
    CHECK(turns == 3);  // it began in the first wait
    enough = true;
    co_await other;
  });
}

TEST_CASE("a descriptor that is not open is named in the error", "[net][readiness][not-sim]") {
  test_loop loop;

  CHECK_THROWS_MATCHES(
      loop.run(wait_readable, -1), error,
      Catch::Matchers::Message("wait for descriptor -1 to become readable: bad file descriptor"));
  CHECK_THROWS_AS(loop.run(wait_writable, 1'000'000), error);
}

TEST_CASE("a loop that ends forgets the descriptors that its tasks wait for",
          "[net][readiness][not-sim]") {
  const two_ends pipe = make_pipe();
  const int free_before = lowest_free_descriptor();
  {
    test_loop loop;
    loop.spawn(wait_readable, pipe.here.get());
    loop.spawn(wait_readable, pipe.here.get());
    settle(loop);
    CHECK(loop.loop().dump_tasks().find("descriptor") != std::string::npos);
  }
  CHECK(lowest_free_descriptor() == free_before);
}

TEST_CASE("a simulated network refuses descriptors of the system's",
          "[net][readiness][not-epoll]") {
  test_loop loop;

  CHECK_THROWS_MATCHES(loop.run(wait_readable, 0), std::logic_error,
                       Catch::Matchers::Message(
                           "wait for descriptor 0 to become readable: a simulated network has no "
                           "descriptors of the system's; use its connections"));
}

}  // namespace readiness_test
