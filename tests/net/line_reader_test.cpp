#include "cetane/net/line_reader.hpp"

#include "support/test_loop.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace line_reader_test {

using namespace cetane;
using namespace std::chrono_literals;
using cetane::test::test_loop;

namespace {

using lines = std::vector<std::string>;

struct two_ends {
  unique_fd here;
  unique_fd there;
};

two_ends make_pipe() {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

void put(const unique_fd& to, std::string_view text) {
  REQUIRE(::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

unique_fd file_with(std::string_view text) {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  unique_fd fd(::fcntl(::fileno(file), F_DUPFD_CLOEXEC, 0));
  std::fclose(file);
  put(fd, text);
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  return fd;
}

task<lines> read_all(int fd, std::size_t limit = default_line_limit) {
  line_reader in(fd, limit);
  lines all;
  for (;;) {
    try {
      std::optional<std::string> line = co_await in.next_line();
      if (!line) break;
      all.push_back(*line);
    } catch (const message_too_long&) {
      all.emplace_back("(too long)");
    }
  }
  const std::optional<std::string> after_the_end = co_await in.next_line();
  CHECK_FALSE(after_the_end.has_value());
  co_return all;
}

lines piped(std::string_view text, std::size_t limit = default_line_limit) {
  test_loop loop;
  two_ends pipe = make_pipe();
  put(pipe.there, text);
  pipe.there.reset();
  return loop.run(read_all, pipe.here.get(), limit);
}

}  // namespace

TEST_CASE("lines come without their ends, and a last one without an end counts",
          "[net][line_reader][not-sim]") {
  CHECK(piped("one\ntwo\r\n\n\r\nlast") == lines{"one", "two", "", "", "last"});
  CHECK(piped("one\n") == lines{"one"});
  CHECK(piped("a\rb\r\r\n\r") == lines{"a\rb\r", "\r"});
  CHECK(piped("").empty());
  CHECK(piped(std::string_view("zero\0byte\n", 10)) == lines{std::string("zero\0byte", 9)});
}

TEST_CASE("a line that comes byte by byte is one line", "[net][line_reader][not-sim]") {
  test_loop loop;
  two_ends pipe = make_pipe();
  auto reading = loop.spawn(read_all, pipe.here.get(), default_line_limit);

  for (const char c : std::string_view("one\r\ntwo")) {
    loop.loop().run_once(time_point::min());
    put(pipe.there, std::string_view(&c, 1));
  }
  pipe.there.reset();

  auto join = [](auto& handle) -> task<lines> { co_return co_await handle; };
  CHECK(loop.run(join, reading) == lines{"one", "two"});
}

TEST_CASE("many lines at once come one after the other", "[net][line_reader][not-sim]") {
  std::string text;
  lines wanted;
  for (int i = 0; i < 100'000; ++i) {
    wanted.push_back(std::to_string(i));
    text += wanted.back() + '\n';
  }
  test_loop loop;
  const unique_fd file = file_with(text);

  CHECK(loop.run(read_all, file.get(), default_line_limit) == wanted);
}

TEST_CASE("a regular file is read to its end", "[net][line_reader][not-sim]") {
  test_loop loop;
  const unique_fd file = file_with("one\ntwo\nlast");
  const unique_fd nothing = file_with("");
  const unique_fd device(::open("/dev/null", O_RDONLY | O_CLOEXEC));

  CHECK(loop.run(read_all, file.get(), default_line_limit) == lines{"one", "two", "last"});
  CHECK(loop.run(read_all, nothing.get(), default_line_limit).empty());
  CHECK(loop.run(read_all, device.get(), default_line_limit).empty());
}

TEST_CASE("a terminal is read line by line, and control-D is the end",
          "[net][line_reader][not-sim]") {
  const unique_fd keyboard(::posix_openpt(O_RDWR | O_NOCTTY));
  if (!keyboard || ::grantpt(keyboard.get()) != 0 || ::unlockpt(keyboard.get()) != 0) {
    SKIP("this machine gives us no terminal");
  }
  std::array<char, 128> name{};
  REQUIRE(::ptsname_r(keyboard.get(), name.data(), name.size()) == 0);
  const unique_fd terminal(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal) SKIP("this machine gives us no terminal");
  test_loop loop;
  auto reading = loop.spawn(read_all, terminal.get(), default_line_limit);

  put(keyboard, "hel");
  loop.loop().run_once(time_point::min());
  put(keyboard, "lo\nagain\n\x04");

  auto join = [](auto& handle) -> task<lines> { co_return co_await handle; };
  CHECK(loop.run(join, reading) == lines{"hello", "again"});
}

TEST_CASE("a line over the limit is refused, and the next one is read",
          "[net][line_reader][not-sim]") {
  CHECK(piped("1234567\n12345678\nok\n", 8) == lines{"1234567", "(too long)", "ok"});
  CHECK(piped("123456\r\n1234567\r\nok\n", 8) == lines{"123456", "(too long)", "ok"});
  CHECK(piped(std::string(100, 'x') + "\nok\n" + std::string(100, 'y'), 8) ==
        lines{"(too long)", "ok", "(too long)"});
}

TEST_CASE("the rest of a line over the limit is dropped as it comes",
          "[net][line_reader][not-sim]") {
  test_loop loop;
  two_ends pipe = make_pipe();
  auto reading = loop.spawn(read_all, pipe.here.get(), 8);
  loop.loop().run_once(time_point::min());

  for (int i = 0; i < 20; ++i) {
    put(pipe.there, "xxxxx");
    loop.loop().run_once(time_point::min());
  }
  put(pipe.there, "x\nok\n");
  pipe.there.reset();

  auto join = [](auto& handle) -> task<lines> { co_return co_await handle; };
  CHECK(loop.run(join, reading) == lines{"(too long)", "ok"});
}

TEST_CASE("a line is refused as soon as its end would lie beyond the limit",
          "[net][line_reader][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();
  put(pipe.there, "12345678");
  auto read_one = [](int fd) -> task<> {
    line_reader in(fd, 8);
    co_await in.next_line();
  };

  CHECK_THROWS_AS(loop.run(read_one, pipe.here.get()), message_too_long);
}

TEST_CASE("the limit's error says how to raise it", "[net][line_reader][not-sim]") {
  test_loop loop;
  const unique_fd file = file_with("123456789\n");
  auto read_one = [](int fd) -> task<> {
    line_reader in(fd, 4);
    co_await in.next_line();
  };

  CHECK_THROWS_MATCHES(
      loop.run(read_one, file.get()), message_too_long,
      Catch::Matchers::Message(
          "read a line from descriptor " + std::to_string(file.get()) +
          ": longer than the limit of 4 bytes; raise it with line_reader(descriptor, limit)"));
}

TEST_CASE("the flags of the descriptor stay as they are", "[net][line_reader][not-sim]") {
  test_loop loop;
  for (const int flag : {0, O_NONBLOCK}) {
    two_ends pipe = make_pipe();
    REQUIRE(::fcntl(pipe.here.get(), F_SETFL, flag) == 0);
    const int before = ::fcntl(pipe.here.get(), F_GETFL);
    auto reading = loop.spawn(read_all, pipe.here.get(), default_line_limit);
    loop.loop().run_once(time_point::min());
    CHECK(::fcntl(pipe.here.get(), F_GETFL) == before);
    put(pipe.there, "one\n");
    pipe.there.reset();

    auto join = [](auto& handle) -> task<lines> { co_return co_await handle; };
    CHECK(loop.run(join, reading) == lines{"one"});
    CHECK(::fcntl(pipe.here.get(), F_GETFL) == before);
  }
}

TEST_CASE("a cancelled read loses nothing of the line", "[net][line_reader][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();

  loop.run([&pipe]() -> task<> {
    line_reader in(pipe.here.get());
    put(pipe.there, "be");
    const auto early = co_await move_on_after(2ms, in.next_line());
    CHECK_FALSE(early.has_value());
    put(pipe.there, "gun\n");
    const auto line = co_await in.next_line();
    CHECK(line == "begun");
  });
}

TEST_CASE("a second reader is refused while the first waits", "[net][line_reader][not-sim]") {
  test_loop loop;
  const two_ends pipe = make_pipe();

  loop.run([&pipe]() -> task<> {
    line_reader in(pipe.here.get());
    auto first = spawn(
        [](line_reader& from) -> task<std::optional<std::string>> {
          co_return co_await from.next_line();
        },
        std::ref(in));
    co_await yield();
    bool refused = false;
    try {
      co_await in.next_line();
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
    put(pipe.there, "one\n");
    const auto line = co_await first;
    CHECK(line == "one");
  });
}

TEST_CASE("what cannot be read is named in the error", "[net][line_reader][not-sim]") {
  test_loop loop;
  const unique_fd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  CHECK_THROWS_MATCHES(loop.run(read_all, folder.get(), default_line_limit), error,
                       Catch::Matchers::Message("read a line from descriptor " +
                                                std::to_string(folder.get()) + ": is a directory"));
}

}  // namespace line_reader_test
