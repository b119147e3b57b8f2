// The call that waits to the nanosecond is younger than many sandboxes.

#include <cetane/backend/make_backend.hpp>

#include "runtime/backend.hpp"

#include <cetane/os/process.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace epoll_wait_test {

using namespace cetane;
using namespace std::chrono_literals;

namespace {

bool refuse_epoll_pwait2(int error) {
  const auto number = static_cast<std::uint32_t>(SYS_epoll_pwait2);
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

}  // namespace

TEST_CASE("where epoll_pwait2 is refused, a wait is as long all the same",
          "[backend][wait][not-sim][not-io_uring]") {
  const int error = GENERATE(EPERM, ENOSYS);
  child_process child = fork_process([error] {
    if (!refuse_epoll_pwait2(error)) return 2;
    event_loop loop(make_backend(backend_choice::epoll));
    const time_point deadline = loop.now() + 2ms;
    loop.run_once(deadline);
    return loop.now() >= deadline ? 0 : 1;
  });

  CHECK(child.wait().to_string() == "exited with status 0");
}

}  // namespace epoll_wait_test
