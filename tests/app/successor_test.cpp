#include <app/captured_log.hpp>
#include <app/successor.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace successor_test {

using namespace cetane;
using namespace std::chrono_literals;
using detail::successor;
using state = successor::state;

namespace {

/// A program in a folder of its own, written for one test.
class script {
 public:
  explicit script(const std::string& text) {
    folder_ = std::filesystem::temp_directory_path() / "cetane-successor-XXXXXX";
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
    path_ = folder_ + "/program";
    std::ofstream(path_) << "#!/bin/sh\n" << text << '\n';
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  script(const script&) = delete;
  script& operator=(const script&) = delete;
  ~script() { std::filesystem::remove_all(folder_); }

  const std::string& path() const noexcept { return path_; }

 private:
  std::string folder_;
  std::string path_;
};

std::unique_ptr<successor> start(const script& program, std::vector<successor::socket> sockets = {},
                                 duration limit = 1h) {
  return std::make_unique<successor>(program.path(), sockets, os::service_manager(), limit);
}

void wait_for(int fd) {
  pollfd asked{fd, POLLIN, 0};
  REQUIRE(::poll(&asked, 1, 20'000) == 1);
}

time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

TEST_CASE("a successor serves when it says so, on the descriptor that it is told",
          "[app][successor]") {
  const test::captured_log log;
  const script program("printf r >&${CETANE_PREDECESSOR%%:*}; read forever");
  const auto one = start(program);

  wait_for(one->link());

  REQUIRE(one->look(now()) == state::serves);
  REQUIRE(one->look(now() + 2h) == state::serves);
}

TEST_CASE("a successor that ends before it serves has failed", "[app][successor]") {
  const test::captured_log log;
  const script program("exit 7");
  const auto one = start(program);

  wait_for(one->pidfd());

  REQUIRE(one->look(now()) == state::failed);
  REQUIRE(log.has("exited with status 7 before it served"));
}

TEST_CASE("a successor that says something else does not serve", "[app][successor]") {
  const test::captured_log log;
  const script program("printf q >&${CETANE_PREDECESSOR%%:*}");
  const auto one = start(program);

  wait_for(one->pidfd());

  REQUIRE(one->look(now()) == state::failed);
}

TEST_CASE("a successor that does not serve in its time is told to end, then killed",
          "[app][successor]") {
  const test::captured_log log;
  const script program("trap '' TERM; printf x >&${CETANE_PREDECESSOR%%:*}; while :; do :; done");
  const auto one = start(program, {}, 10min);
  wait_for(one->link());  // it has set its trap

  REQUIRE(one->look(one->deadline() - 1ns) == state::starting);
  const time_point told = one->deadline();
  REQUIRE(one->look(told) == state::starting);
  REQUIRE(log.has("does not serve after 10 min; it is ended"));
  REQUIRE(one->deadline() == told + detail::successor_end_limit);
  REQUIRE(one->look(one->deadline()) == state::starting);
  wait_for(one->pidfd());

  REQUIRE(one->look(told) == state::failed);
  REQUIRE(log.has("killed by signal 9 before it served"));
}

TEST_CASE("a successor finds its sockets, and no descriptor besides", "[app][successor]") {
  const test::captured_log log;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const unique_fd reader(pipe[0]);
  const unique_fd writer(pipe[1]);
  const unique_fd open_for_all(::dup(0));
  const script program(
      "printf '%s %s %s %s:' $LISTEN_FDS \"$LISTEN_FDNAMES\" $CETANE_PREDECESSOR "
      "$((LISTEN_PID == $$)) >&4\n"
      "for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && printf ' %s' $fd >&4; done");
  const auto one = start(program, {{reader.get(), "in", false}, {writer.get(), "o:ut", true}});

  wait_for(one->pidfd());

  char said[100] = {};
  REQUIRE(::read(reader.get(), said, sizeof said - 1) > 0);
  // The shell has its script open as 10 or higher.
  REQUIRE(std::string(said) == "2 in:o_ut 5:4 1: 3 4 5");
  REQUIRE(one->look(now()) == state::failed);
}

TEST_CASE("a successor that nobody waits for any more is killed", "[app][successor]") {
  const test::captured_log log;
  const script program("while :; do :; done");
  int pid = 0;
  {
    const auto one = start(program);
    pid = one->pid();
  }

  REQUIRE(::kill(pid, 0) < 0);
}

TEST_CASE("a file that is no program is told by its name", "[app][successor]") {
  const test::captured_log log;
  successor one("/no/such/program", {}, os::service_manager(), 1h);

  wait_for(one.pidfd());

  REQUIRE(one.look(now()) == state::failed);
  REQUIRE(log.has("cannot run /no/such/program: no such file or directory"));
}

TEST_CASE("the own program is found, whatever the working directory is by now",
          "[app][successor]") {
  const std::string found = detail::find_own_program();

  REQUIRE(std::filesystem::path(found).is_absolute());
  REQUIRE(std::filesystem::equivalent(found, "/proc/self/exe"));
}

}  // namespace successor_test
