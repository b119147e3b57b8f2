// Makes the kernel look as nasty as it may be: loaded with LD_PRELOAD into a server, it cuts every
// read and write on a stream socket to a random size and lets calls fail with EINTR and EAGAIN.
//
//   SHORT_IO_SIZES=1:7    smallest and largest size of a read or write, in bytes (unset: nothing is
//                         cut)
//   SHORT_IO_EINTR=20     how many of 1,000 calls fail with EINTR
//   SHORT_IO_EAGAIN=20    how many of 1,000 calls on a non-blocking socket fail with EAGAIN
//   SHORT_IO_BREAKS=2     how many of 1,000 reads and writes find that the connection has gone, or
//                         that the system has no memory for it (trouble.h)
//   SHORT_IO_ACCEPTS=50   how many of 1,000 accepts fail, for want of descriptors for example
//   SHORT_IO_SEED=1       the same seed gives the same sequence of decisions
//   SHORT_IO_REPORT=PATH  a file of counters (report.h), written while the program runs
//
// Whatever is done to a program here could have been done by the kernel, and like the kernel the
// shim must say when it is worth trying again. An edge-triggered program that was told EAGAIN, or
// that got less than it asked for and takes the socket for drained (or full), waits for an edge.
// The kernel, which still holds bytes (or room), sees none. So after each cut and each invented
// EAGAIN the program's registration is renewed, unchanged: EPOLL_CTL_MOD makes the kernel look at
// the state anew and report it if there is anything to report. Level-triggered registrations need
// no such help.
//
// Left alone: datagram sockets, since a cut datagram is lost, and MSG_WAITALL, MSG_OOB and
// MSG_ERRQUEUE, which promise more.
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS  // it would give sendfile the name of sendfile64; both are wanted under
                          // their own
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "dice.h"
#include "next.h"
#include "registration.h"
#include "report.h"
#include "trouble.h"

enum { most_parts = 16, untouched_flags = MSG_WAITALL | MSG_OOB | MSG_ERRQUEUE };

__attribute__((constructor)) static void begin(void) {
  read_settings();
  open_report();
}

static int is_ours(int fd, int flags) {
  if (flags & untouched_flags) return 0;
  const int before = errno;
  int type = 0;
  socklen_t length = sizeof type;
  const int is_stream =
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
  errno = before;
  return is_stream;
}

static int is_non_blocking(int fd, int flags) {
  return (flags & MSG_DONTWAIT) || (fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static int interrupts(void) {
  if (settings.eintr == 0 || throw_dice(1000) >= settings.eintr) return 0;
  atomic_fetch_add(&counts->interrupted, 1);
  errno = EINTR;
  return 1;
}

/// Decides whether a call on `fd` fails, and sets errno if it does.
static int fails(int fd, int flags) {
  if (interrupts()) return 1;
  if (settings.eagain == 0 || throw_dice(1000) >= settings.eagain || !is_non_blocking(fd, flags))
    return 0;
  atomic_fetch_add(&counts->refused, 1);
  renew_registration(fd);
  errno = EAGAIN;
  return 1;
}

static size_t cut(size_t wanted) {
  if (settings.largest == 0) return wanted;
  const size_t most = settings.smallest + throw_dice(settings.largest - settings.smallest + 1);
  return wanted < most ? wanted : most;
}

/// Keeps the first `most` bytes of some parts; `kept` has room for most_parts. Gives how many parts
/// that are.
static int cut_parts(const struct iovec* parts, int count, size_t most, struct iovec* kept) {
  int used = 0;
  for (; used < count && used < most_parts && most > 0; ++used) {
    kept[used] = parts[used];
    if (kept[used].iov_len > most) kept[used].iov_len = most;
    most -= kept[used].iov_len;
  }
  return used;
}

static size_t size_of(const struct iovec* parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; ++i) sum += parts[i].iov_len;
  return sum;
}

/// A call that got all of the bytes that it was let ask for may find more of them when it asks
/// again.
static void expect_more(int fd, ssize_t result, size_t allowed, size_t wanted) {
  if ((size_t)result == allowed && allowed < wanted) renew_registration(fd);
}

static ssize_t was_read(int fd, ssize_t result, size_t allowed, size_t wanted) {
  if (result < 0) return result;
  count_read((size_t)result);
  expect_more(fd, result, allowed, wanted);
  return result;
}

static ssize_t was_written(int fd, ssize_t result, size_t allowed, size_t wanted) {
  if (result < 0) return result;
  count_write((size_t)result);
  expect_more(fd, result, allowed, wanted);
  return result;
}

// reading

ssize_t read(int fd, void* to, size_t wanted) {
  NEXT(read);
  if (!is_ours(fd, 0)) return next(fd, to, wanted);
  if (fails(fd, 0) || read_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_read(fd, next(fd, to, size), size, wanted);
}

ssize_t recv(int fd, void* to, size_t wanted, int flags) {
  NEXT(recv);
  if (!is_ours(fd, flags)) return next(fd, to, wanted, flags);
  if (fails(fd, flags) || read_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_read(fd, next(fd, to, size, flags), size, wanted);
}

ssize_t recvfrom(int fd, void* to, size_t wanted, int flags, __SOCKADDR_ARG from,
                 socklen_t* length) {
  NEXT(recvfrom);
  if (!is_ours(fd, flags)) return next(fd, to, wanted, flags, from, length);
  if (fails(fd, flags) || read_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_read(fd, next(fd, to, size, flags, from, length), size, wanted);
}

ssize_t readv(int fd, const struct iovec* parts, int count) {
  NEXT(readv);
  if (!is_ours(fd, 0)) return next(fd, parts, count);
  if (fails(fd, 0) || read_fails(fd)) return -1;
  struct iovec kept[most_parts];
  const int used = cut_parts(parts, count, cut(size_of(parts, count)), kept);
  return was_read(fd, next(fd, kept, used), size_of(kept, used), size_of(parts, count));
}

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  NEXT(recvmsg);
  if (!is_ours(fd, flags)) return next(fd, message, flags);
  if (fails(fd, flags) || read_fails(fd)) return -1;
  const struct msghdr whole = *message;
  const size_t wanted = size_of(whole.msg_iov, (int)whole.msg_iovlen);
  struct iovec kept[most_parts];
  const int used = cut_parts(whole.msg_iov, (int)whole.msg_iovlen, cut(wanted), kept);
  message->msg_iov = kept;
  message->msg_iovlen = (size_t)used;
  const ssize_t result = next(fd, message, flags);
  message->msg_iov = whole.msg_iov;
  message->msg_iovlen = whole.msg_iovlen;
  return was_read(fd, result, size_of(kept, used), wanted);
}

// writing

ssize_t write(int fd, const void* from, size_t wanted) {
  NEXT(write);
  if (!is_ours(fd, 0)) return next(fd, from, wanted);
  if (fails(fd, 0) || write_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_written(fd, next(fd, from, size), size, wanted);
}

ssize_t send(int fd, const void* from, size_t wanted, int flags) {
  NEXT(send);
  if (!is_ours(fd, flags)) return next(fd, from, wanted, flags);
  if (fails(fd, flags) || write_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_written(fd, next(fd, from, size, flags), size, wanted);
}

ssize_t sendto(int fd, const void* from, size_t wanted, int flags, __CONST_SOCKADDR_ARG to,
               socklen_t length) {
  NEXT(sendto);
  if (!is_ours(fd, flags)) return next(fd, from, wanted, flags, to, length);
  if (fails(fd, flags) || write_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_written(fd, next(fd, from, size, flags, to, length), size, wanted);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  NEXT(writev);
  if (!is_ours(fd, 0)) return next(fd, parts, count);
  if (fails(fd, 0) || write_fails(fd)) return -1;
  struct iovec kept[most_parts];
  const int used = cut_parts(parts, count, cut(size_of(parts, count)), kept);
  return was_written(fd, next(fd, kept, used), size_of(kept, used), size_of(parts, count));
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  NEXT(sendmsg);
  if (!is_ours(fd, flags)) return next(fd, message, flags);
  if (fails(fd, flags) || write_fails(fd)) return -1;
  const size_t wanted = size_of(message->msg_iov, (int)message->msg_iovlen);
  struct iovec kept[most_parts];
  struct msghdr shorter = *message;
  shorter.msg_iov = kept;
  shorter.msg_iovlen =
      (size_t)cut_parts(message->msg_iov, (int)message->msg_iovlen, cut(wanted), kept);
  const ssize_t result = next(fd, &shorter, flags);
  return was_written(fd, result, size_of(kept, (int)shorter.msg_iovlen), wanted);
}

ssize_t sendfile(int fd, int file, off_t* offset, size_t wanted) {
  NEXT(sendfile);
  if (!is_ours(fd, 0)) return next(fd, file, offset, wanted);
  if (fails(fd, 0) || write_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_written(fd, next(fd, file, offset, size), size, wanted);
}

ssize_t sendfile64(int fd, int file, off64_t* offset, size_t wanted) {
  NEXT(sendfile64);
  if (!is_ours(fd, 0)) return next(fd, file, offset, wanted);
  if (fails(fd, 0) || write_fails(fd)) return -1;
  const size_t size = cut(wanted);
  return was_written(fd, next(fd, file, offset, size), size, wanted);
}

// accepting and waiting

int accept(int fd, __SOCKADDR_ARG from, socklen_t* length) {
  NEXT(accept);
  return is_ours(fd, 0) && (fails(fd, 0) || accept_fails()) ? -1 : next(fd, from, length);
}

int accept4(int fd, __SOCKADDR_ARG from, socklen_t* length, int flags) {
  NEXT(accept4);
  return is_ours(fd, 0) && (fails(fd, 0) || accept_fails()) ? -1 : next(fd, from, length, flags);
}

int epoll_ctl(int poller, int operation, int fd, struct epoll_event* event) {
  NEXT(epoll_ctl);
  const int result = next(poller, operation, fd, event);
  if (result == 0) remember_registration(poller, operation, fd, event);
  return result;
}

int epoll_wait(int poller, struct epoll_event* events, int most, int timeout) {
  NEXT(epoll_wait);
  return interrupts() ? -1 : next(poller, events, most, timeout);
}

int epoll_pwait(int poller, struct epoll_event* events, int most, int timeout,
                const sigset_t* mask) {
  NEXT(epoll_pwait);
  return interrupts() ? -1 : next(poller, events, most, timeout, mask);
}

int epoll_pwait2(int poller, struct epoll_event* events, int most, const struct timespec* timeout,
                 const sigset_t* mask) {
  NEXT(epoll_pwait2);
  return interrupts() ? -1 : next(poller, events, most, timeout, mask);
}
