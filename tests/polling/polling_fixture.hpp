#pragma once

#include "os/socket.hpp"

#include <catch2/catch_test_macros.hpp>

#include <csignal>
#include <ctime>

#include <unistd.h>

namespace polling_fixture {

/// Two ends of one stream.
struct both_ends {
  both_ends() { REQUIRE(cetane::os::make_socket_pair(near, far) == 0); }

  void say(const cetane::unique_fd& from) const { REQUIRE(::write(from.get(), "x", 1) == 1); }
  void fill(const cetane::unique_fd& from) const {
    const char block[4096] = {};
    while (::write(from.get(), block, sizeof block) > 0) {
    }
  }
  void drain(const cetane::unique_fd& from) const {
    char block[4096];
    while (::read(from.get(), block, sizeof block) > 0) {
    }
  }

  cetane::unique_fd near, far;
};

/// Signals this thread every millisecond for as long as it lives. The handler calls `each` with the
/// number of signals so far.
class ticking {
 public:
  explicit ticking(void (*each)(int)) {
    each_ = each;
    count_ = 0;
    struct sigaction action {};
    action.sa_handler = [](int) {
      count_ = count_ + 1;
      each_(count_);
    };
    ::sigaction(SIGALRM, &action, &before_);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    REQUIRE(::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
    const itimerspec every{{0, 1'000'000}, {0, 1'000'000}};
    REQUIRE(::timer_settime(timer_, 0, &every, nullptr) == 0);
  }
  ticking(const ticking&) = delete;
  ticking& operator=(const ticking&) = delete;
  ~ticking() {
    ::timer_delete(timer_);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  static inline void (*each_)(int) = nullptr;
  static inline volatile std::sig_atomic_t count_ = 0;

  timer_t timer_{};
  struct sigaction before_ {};
};

/// Where a signal handler finds the descriptor to write to after some interruptions.
inline int writes_to = -1;
inline void write_after_five(int count) {
  if (count == 5) [[maybe_unused]]
    const ssize_t ignored = ::write(writes_to, "x", 1);
}

}  // namespace polling_fixture
