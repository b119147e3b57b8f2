#pragma once

#include <cerrno>
#include <cstddef>

#include <sys/socket.h>
#include <sys/syscall.h>

/// The system calls on the path of a message, without libc in between.
///
/// glibc's recv and send are cancellation points: as soon as the process has a second thread, and
/// the first one of the offload pool is enough, the pair costs 133 instructions instead of 35.
/// Nobody here uses pthread_cancel.
///
/// CETANE_SYSCALLS=libc in the environment makes all of them go through libc, where a preloaded
/// library can interpose: fault injection, and tracers that work this way. It is read once, at
/// program start.
///
/// Each call returns what the kernel returned: the count, or a negative errno. None of them waits,
/// whatever mode the descriptor is in, and none raises SIGPIPE.
namespace cetane::os {

/// Read only. Hidden, so that looking at it needs no detour over the global offset table.
[[gnu::visibility("hidden")]] extern const bool syscalls_through_libc;

namespace detail {

#if defined(__x86_64__) && defined(__LP64__)

// Five arguments: sendto and recvfrom look at the sixth, an address's length, only where there is
// an address.
inline long raw_syscall(long number, long a, long b, long c, long d, long e) noexcept {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}
inline constexpr bool has_raw_syscall = true;

#elif defined(__aarch64__) && defined(__LP64__)

inline long raw_syscall(long number, long a, long b, long c, long d, long e) noexcept {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
  return x0;
}
inline constexpr bool has_raw_syscall = true;

#else

inline long raw_syscall(long, long, long, long, long, long) noexcept { return -ENOSYS; }
inline constexpr bool has_raw_syscall = false;

#endif

inline long as_argument(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

inline bool go_through_libc() noexcept {
  if constexpr (!has_raw_syscall) return true;
  return __builtin_expect(syscalls_through_libc, false);
}

}  // namespace detail

inline long recv(int fd, void* buffer, std::size_t size) noexcept {
  if (detail::go_through_libc()) {
    const ssize_t count = ::recv(fd, buffer, size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
  }
  return detail::raw_syscall(SYS_recvfrom, fd, detail::as_argument(buffer), static_cast<long>(size),
                             MSG_DONTWAIT, 0);
}

inline long send(int fd, const void* bytes, std::size_t size) noexcept {
  if (detail::go_through_libc()) {
    const ssize_t count = ::send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
  }
  return detail::raw_syscall(SYS_sendto, fd, detail::as_argument(bytes), static_cast<long>(size),
                             MSG_DONTWAIT | MSG_NOSIGNAL, 0);
}

inline long sendmsg(int fd, const msghdr& message) noexcept {
  if (detail::go_through_libc()) {
    const ssize_t count = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
  }
  return detail::raw_syscall(SYS_sendmsg, fd, detail::as_argument(&message),
                             MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
}

inline long sendmmsg(int fd, mmsghdr* messages, unsigned count) noexcept {
  if (detail::go_through_libc()) {
    const int sent = ::sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
  }
  return detail::raw_syscall(SYS_sendmmsg, fd, detail::as_argument(messages), count,
                             MSG_DONTWAIT | MSG_NOSIGNAL, 0);
}

}  // namespace cetane::os
