#include <cetane/os/process.hpp>

#include "os/fork_hook.hpp"
#include "os/socket.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/sanitizers.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ext/stdio_sync_filebuf.h>

namespace process_test {

using cetane::child_process;
using cetane::child_status;
using cetane::fork_process;
using cetane::unique_fd;
using how = child_status::how;

namespace {

struct pipe_pair {
  pipe_pair() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    reader.reset(fds[0]);
    writer.reset(fds[1]);
  }

  void say(std::string_view text) const {
    [[maybe_unused]] const ssize_t written = ::write(writer.get(), text.data(), text.size());
  }

  // All that is written until nobody can write any more.
  std::string read_all() {
    writer.reset();
    std::string text;
    char buffer[4096];
    for (;;) {
      const ssize_t count = ::read(reader.get(), buffer, sizeof buffer);
      if (count <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(count));
    }
  }

  unique_fd reader, writer;
};

// A child that lives until it is killed.
int sleep_for_ever() {
  for (;;) ::pause();
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("a child runs its body in a process of its own and reports its status", "[os][process]") {
  pipe_pair pipe;
  child_process child = fork_process([&] {
    pipe.say(std::to_string(::getppid()));
    return 72;
  });

  CHECK(pipe.read_all() == std::to_string(::getpid()));
  CHECK(child.pid() != ::getpid());
  const child_status status = child.wait();
  CHECK(status == child_status(how::exited, 72));
  CHECK(status.to_string() == "exited with status 72");
  CHECK_FALSE(status.success());
}

TEST_CASE("a child killed by a signal says which", "[os][process]") {
  child_process child = fork_process(sleep_for_ever);
  CHECK_FALSE(child.try_wait());

  CHECK(child.signal(SIGKILL));

  CHECK(child.wait() == child_status(how::killed, SIGKILL));
  CHECK(child.wait().to_string() == "killed by signal 9");
  CHECK_FALSE(child.signal(SIGKILL));
}

TEST_CASE("an exception ends the child with status 1, and never the parent", "[os][process]") {
  const int kind = GENERATE_COPY(0, 1);
  child_process child = fork_process([&]() -> int {
    cetane::log::set_level(cetane::log::level::off);
    if (kind == 0) throw std::runtime_error("no");
    throw 7;
  });

  CHECK(child.wait() == child_status(how::exited, 1));
}

TEST_CASE("a child runs no destructor of its parent's and no atexit function", "[os][process]") {
  pipe_pair pipe;
  child_process outer = fork_process([&] {
    static const pipe_pair* told = nullptr;
    told = &pipe;
    std::atexit([] { told->say("atexit "); });
    const int parent = ::getpid();
    const cetane::scope_exit leave([&] { pipe.say(::getpid() == parent ? "left " : "wrong "); });
    return fork_process([&] {
             pipe.say("inner ");
             return 0;
           })
        .wait()
        .number();
  });

  CHECK(pipe.read_all() == "inner left ");
  CHECK(outer.wait().success());
}

TEST_CASE("what was printed before a fork appears once, and what the child prints too",
          "[os][process]") {
  pipe_pair pipe;
  child_process printing = fork_process([&] {
    ::dup2(pipe.writer.get(), STDOUT_FILENO);
    std::setvbuf(stdout, nullptr, _IOFBF, BUFSIZ);
    static __gnu_cxx::stdio_sync_filebuf<char> direct(stdout);
    std::cout.rdbuf(&direct);  // Catch2's reporters may have put something else there
    std::printf("parent, ");
    child_process child = fork_process([] {
      std::printf("child by printf, ");
      std::cout << "child by cout, ";
      return 0;
    });
    child.wait();
    std::printf("parent again");
    return 0;
  });

  CHECK(pipe.read_all() == "parent, child by printf, child by cout, parent again");
  CHECK(printing.wait().success());
}

TEST_CASE("waiting for one child leaves the others to those who know them", "[os][process]") {
  const int foreign = ::fork();
  if (foreign == 0) ::_exit(72);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(foreign), &ended, WEXITED | WNOWAIT) == 0);

  child_process child = fork_process([] { return 0; });
  CHECK(child.wait().success());

  int status = 0;
  REQUIRE(::waitpid(foreign, &status, 0) == foreign);
  CHECK(status == 72 << 8);
}

TEST_CASE("a status that somebody else fetched is unknown, not an error", "[os][process]") {
  child_process child = fork_process([] { return 3; });
  REQUIRE(::waitpid(child.pid(), nullptr, 0) == child.pid());

  CHECK(child.wait() == child_status(how::unknown, 0));
  CHECK(child.wait().to_string() == "ended with a status that is lost");
  CHECK(child.pidfd() == -1);
}

TEST_CASE("in a process that ignores SIGCHLD a child's end is seen all the same", "[os][process]") {
  child_process outer = fork_process([] {
    std::signal(SIGCHLD, SIG_IGN);
    int seen = 0;
    for (int i = 0; i < 20; ++i) {
      child_process child = fork_process([] { return 3; });
      if (i % 2 == 0) ::waitid(P_PID, static_cast<id_t>(child.pid()), nullptr, WEXITED | WNOWAIT);
      if (child.wait().end() == how::unknown) ++seen;
    }
    return seen == 20 ? 0 : 1;
  });

  CHECK(outer.wait().to_string() == "exited with status 0");
}

TEST_CASE("a pidfd becomes readable when its child ends, and not before", "[os][process]") {
  child_process child = fork_process(sleep_for_ever);
  pollfd one{child.pidfd(), POLLIN, 0};
  CHECK((::fcntl(child.pidfd(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(::poll(&one, 1, 0) == 0);

  child.signal(SIGKILL);

  CHECK(::poll(&one, 1, -1) == 1);
  CHECK(child.try_wait() == child_status(how::killed, SIGKILL));
  CHECK(child.pidfd() == -1);
}

TEST_CASE("of many children that end at once none stays a zombie", "[os][process]") {
  std::vector<child_process> children;
  for (int i = 0; i < 10; ++i) children.push_back(fork_process([i] { return i; }));

  for (int i = 0; i < 10; ++i) {
    CHECK(children[static_cast<std::size_t>(i)].wait() == child_status(how::exited, i));
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("forgetting a child that has ended leaves no zombie", "[os][process]") {
  {
    child_process child = fork_process([] { return 0; });
    pollfd one{child.pidfd(), POLLIN, 0};
    REQUIRE(::poll(&one, 1, -1) == 1);
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("signals that the parent blocks reach the child", "[os][process]") {
  sigset_t blocked, before;  // of SIGUSR2: Catch2 handles SIGTERM, and nohup ignores SIGHUP
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const cetane::scope_exit restore([&] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });

  child_process child = fork_process(sleep_for_ever);
  child.signal(SIGUSR2);

  CHECK(child.wait() == child_status(how::killed, SIGUSR2));
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  CHECK(::sigismember(&now, SIGUSR2) == 1);
  CHECK(::sigismember(&now, SIGINT) == 0);
}

TEST_CASE("a child that writes to a peer that has gone gets an error, no signal", "[os][process]") {
  pipe_pair pipe;
  pipe.reader.reset();

  child_process child = fork_process(
      [&] { return ::write(pipe.writer.get(), "x", 1) < 0 && errno == EPIPE ? 0 : 1; });

  CHECK(child.wait().success());
}

TEST_CASE("a child of a process whose threads allocate, print and log does all of it",
          "[os][process]") {
  std::atomic<bool> stop = false;
  pipe_pair logged;
  cetane::log::set_sink([](auto, auto, auto) {});
  const cetane::scope_exit no_sink([] { cetane::log::set_sink({}); });
  std::vector<std::thread> busy;
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&stop] {
      while (!stop) {
        cetane::log::warning("{}", std::string(100, 'x'));
        std::fflush(stdout);
      }
    });
  }

  int good = 0;
  for (int i = 0; i < 30; ++i) {
    child_process child = fork_process([] {
      cetane::log::warning("{}", std::string(100, 'x'));
      return std::fflush(stdout);
    });
    if (child.wait().success()) ++good;
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();

  CHECK(good == 30);
}

TEST_CASE("threads at a fork are refused, warned of once, or allowed", "[os][process]") {
  std::vector<std::string> lines;
  cetane::log::set_sink([&](auto, auto, std::string_view line) { lines.emplace_back(line); });
  const cetane::scope_exit no_sink([] { cetane::log::set_sink({}); });
  std::atomic<bool> leave = false;
  std::thread other([&] { leave.wait(false); });
  cetane::fork_options options;

  options.threads = cetane::threads_at_fork::refuse;
  CHECK_THROWS_AS(fork_process([] { return 0; }, options), std::logic_error);
  CHECK(lines.empty());
  options.threads = cetane::threads_at_fork::warn;
  CHECK(fork_process([] { return 0; }, options).wait().success());
  CHECK(fork_process([] { return 0; }, options).wait().success());
  CHECK(lines.size() == 1);
  CHECK(fork_process([] { return 0; }).wait().success());
  CHECK(lines.size() == 1);
  leave = true;
  leave.notify_one();
  other.join();
}

TEST_CASE("a child lets go of what is its parent's alone", "[os][process]") {
  class socket_of_parent {
   public:
    explicit socket_of_parent(int descriptor) : fd(descriptor) {}
    void in_child(std::span<const int> kept) noexcept {
      if (std::find(kept.begin(), kept.end(), fd.get()) == kept.end()) fd.reset();
    }
    unique_fd fd;
    cetane::os::fork_hook hook{*this};
  };
  unique_fd one, other;
  REQUIRE(cetane::os::make_socket_pair(one, other) == 0);
  socket_of_parent closed(one.release());
  socket_of_parent kept(other.release());
  cetane::fork_options options;
  options.kept = {kept.fd.get()};
  const int closed_number = closed.fd.get();

  child_process child = fork_process(
      [&] { return (is_open(closed_number) ? 1 : 0) + (is_open(kept.fd.get()) ? 0 : 2); }, options);

  CHECK(child.wait() == child_status(how::exited, 0));
  CHECK(is_open(closed_number));
}

#if !CETANE_TEST_ADDRESS_SANITIZER  // it needs descriptors of its own
TEST_CASE("without a descriptor for the child there is no child", "[os][process]") {
  child_process outer = fork_process([] {
    const unique_fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit none{};
    ::getrlimit(RLIMIT_NOFILE, &none);
    none.rlim_cur = static_cast<rlim_t>(lowest.get()) + 1;
    ::setrlimit(RLIMIT_NOFILE, &none);
    try {
      fork_process([] { return 0; }).wait();
      return 1;
    } catch (const cetane::error& e) {
      const bool no_child = ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
      return e.code() == std::errc::too_many_files_open && no_child ? 0 : 2;
    }
  });

  CHECK(outer.wait() == child_status(how::exited, 0));
}
#endif

TEST_CASE("a child may fork in turn", "[os][process]") {
  child_process child = fork_process([] { return fork_process([] { return 5; }).wait().number(); });

  CHECK(child.wait() == child_status(how::exited, 5));
}

}  // namespace process_test
