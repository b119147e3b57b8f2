// Where io_uring cannot be used, epoll is, and the reason is told. Each case forbids it in a child,
// in one of the ways that machines do.

#include <cetane/backend/make_backend.hpp>

#include "runtime/backend.hpp"

#include <cetane/os/unique_fd.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace io_uring_refused_test {

using namespace cetane;

namespace {

struct outcome {
  std::string chosen;  // the name, or what was thrown
  std::string reason;  // why not io_uring
};

// Runs `prepare` in a child, makes a backend there, and tells what came of it. The child shares
// nothing with us but a pipe, which stays open whatever the limits are.
outcome choose_in_child(backend_choice choice, const std::function<bool()>& prepare) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const unique_fd from(ends[0]);
  unique_fd to(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string text = "cannot prepare\n";
    if (prepare()) {
      std::string why;
      try {
        const auto made = make_backend(choice, &why);
        text = std::string(made->name()) + "\n" + why;
      } catch (const std::exception& e) {
        text = std::string(e.what()) + "\n";
      }
    }
    const bool told = ::write(to.get(), text.data(), text.size()) == ssize_t(text.size());
    ::_exit(told ? 0 : 1);
  }
  to.reset();
  std::string text;
  std::array<char, 1024> part{};
  for (ssize_t count = 0; (count = ::read(from.get(), part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(count));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  const std::size_t end = text.find('\n');
  REQUIRE(end != std::string::npos);
  return {text.substr(0, end), text.substr(end + 1)};
}

// As the usual profile of containers has it.
bool filter_out(int error) {
  const auto number = static_cast<std::uint32_t>(SYS_io_uring_setup);
  std::array<sock_filter, 4> rules{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{rules.size(), rules.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool limit(int what, rlim_t most) {
  const rlimit both{most, most};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &both) == 0;
}

// Somebody to whom the limit of locked memory applies.
bool lock_nothing_as_nobody() {
  constexpr uid_t nobody = 65534;
  return limit(RLIMIT_MEMLOCK, 0) && (::geteuid() != 0 || ::setuid(nobody) == 0);
}

// Leaves so many descriptors, wherever there were gaps between those that are open.
bool leave_descriptors(std::size_t count) {
  if (!limit(RLIMIT_NOFILE, 256)) return false;
  std::vector<int> all;
  for (int next = ::dup(0); next >= 0; next = ::dup(0)) all.push_back(next);
  if (all.size() < count) return false;
  for (std::size_t i = 0; i < count; ++i) ::close(all[i]);
  return true;
}

void check_both_ways(const std::function<bool()>& prepare, std::string_view reason) {
  const outcome automatic = choose_in_child(backend_choice::automatic, prepare);
  CHECK(automatic.chosen == "epoll");
  CHECK(automatic.reason.find(reason) != std::string::npos);
  CAPTURE(automatic.reason);

  const outcome by_name = choose_in_child(backend_choice::io_uring, prepare);
  CAPTURE(by_name.chosen);
  CHECK(by_name.chosen.find("cannot use io_uring: ") == 0);
  CHECK(by_name.chosen.find(reason) != std::string::npos);
  CHECK(by_name.chosen.find("use --backend epoll") != std::string::npos);
}

}  // namespace

TEST_CASE("this machine can do io_uring, and auto takes it", "[backend][refused][only-io_uring]") {
  const outcome automatic = choose_in_child(backend_choice::automatic, [] { return true; });
  CHECK(automatic.chosen == "io_uring");
  CHECK(automatic.reason.empty());
}

TEST_CASE("in a container that forbids io_uring, auto takes epoll and the name an error",
          "[backend][refused][only-io_uring]") {
  const int error = GENERATE(EPERM, ENOSYS);
  check_both_ways([error] { return filter_out(error); }, "(seccomp)");
}

TEST_CASE("who may lock no memory is told of that limit", "[backend][refused][only-io_uring]") {
  check_both_ways(lock_nothing_as_nobody, "ulimit -l");
}

TEST_CASE("with descriptors for epoll alone, auto takes that",
          "[backend][refused][only-io_uring]") {
  check_both_ways([] { return leave_descriptors(2); }, "ulimit -n");
}

TEST_CASE("without any descriptor there is no backend, and the reason is told",
          "[backend][refused][only-io_uring]") {
  const outcome automatic =
      choose_in_child(backend_choice::automatic, [] { return leave_descriptors(0); });
  CHECK(automatic.chosen.find("make an event loop") == 0);
  CHECK(automatic.chosen.find("too many open files") != std::string::npos);
}

}  // namespace io_uring_refused_test
