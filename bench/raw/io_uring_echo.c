// The limit on io_uring: receives that stay, from a ring of few buffers that are soon in use again,
// and one system call for all that has happened. A buffer is sent as it is and given back when the
// kernel has taken it. Sends of one connection follow each other, since two in flight may overtake
// each other; while too many wait, nothing more is read from that peer.
//
// With --tier it does one thing in the way of a newer kernel, so that tiers.py can tell what it
// brings: send_zc (Linux 6.0) sends without a copy, bundles (6.10) receives into several buffers at
// once, min_wait (6.12) lets up to 50 us pass until more has happened.
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "listener.h"

enum { entries = 4096, buffers = 64, most_waiting = 8, group = 0, nobody = -1, pause_ms = 100 };
enum what { op_accept, op_receive, op_send, op_cancel, op_pause, op_end };

struct connection {
  int first, last;  // buffers that wait to be sent, in order; the first is under way
  int waiting;
  size_t offset;  // of the first one
  int receiving, ended;
  int sent;  // by a send_zc whose buffer is still in use
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffer_ring;
static char* memory;
static size_t buffer_bytes;
static size_t sizes[buffers];
static int following[buffers];
static struct connection* connections;  // index: descriptor
static size_t slots;
static int* starved;  // descriptors that found no buffer
static size_t starved_count;
static int listener;

// What liburing 2.3 has no names for.
enum { recv_bundle = 1 << 4, feature_bundle = 1 << 14, feature_min_timeout = 1 << 15 };
enum { min_wait_us = 50, min_wait_events = 32 };
static int send_zc, bundles, min_wait;
static unsigned short order[buffers];  // in which the kernel takes buffers: as they were given back
static unsigned given, taken;

static inline struct io_uring_sqe* next_entry(void) {
  struct io_uring_sqe* entry = io_uring_get_sqe(&ring);
  if (entry) return entry;
  io_uring_submit(&ring);
  entry = io_uring_get_sqe(&ring);
  if (!entry) die("io_uring_get_sqe");
  return entry;
}

static inline uint64_t label(enum what what, int fd) { return (uint64_t)what << 32 | (uint32_t)fd; }

static void receive(int fd) {
  struct io_uring_sqe* entry = next_entry();
  io_uring_prep_recv_multishot(entry, fd, NULL, 0, 0);
  entry->user_data = label(op_receive, fd);
  entry->flags |= IOSQE_BUFFER_SELECT;
  if (bundles) entry->ioprio |= recv_bundle;
  entry->buf_group = group;
  connections[fd].receiving = 1;
}

static void accept_more(void) {
  struct io_uring_sqe* entry = next_entry();
  io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
  entry->user_data = label(op_accept, listener);
}

static __attribute__((noinline, cold)) void accept_later(void) {
  static struct __kernel_timespec pause = {.tv_nsec = pause_ms * 1000000LL};
  struct io_uring_sqe* entry = next_entry();
  io_uring_prep_timeout(entry, &pause, 0, 0);
  entry->user_data = label(op_pause, 0);
}

// Instead of a handler: valgrind hands signals over between system calls only.
static void end_on_signal(void) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, NULL);
  struct io_uring_sqe* entry = next_entry();
  io_uring_prep_poll_add(entry, signalfd(-1, &ends, SFD_CLOEXEC), POLLIN);
  entry->user_data = label(op_end, 0);
}

static __attribute__((noinline, cold)) void stop_receiving(int fd) {
  struct io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel64(entry, label(op_receive, fd), 0);
  entry->user_data = label(op_cancel, fd);
}

static inline void give_back(int buffer) {
  io_uring_buf_ring_add(buffer_ring, memory + (size_t)buffer * buffer_bytes, (unsigned)buffer_bytes,
                        (unsigned short)buffer, io_uring_buf_ring_mask(buffers), 0);
  io_uring_buf_ring_advance(buffer_ring, 1);
  order[given++ % buffers] = (unsigned short)buffer;
  if (starved_count > 0) receive(starved[--starved_count]);
}

static inline void send_first(int fd) {
  struct connection* const peer = &connections[fd];
  const int buffer = peer->first;
  struct io_uring_sqe* entry = next_entry();
  const char* const bytes = memory + (size_t)buffer * buffer_bytes + peer->offset;
  const size_t size = sizes[buffer] - peer->offset;
  if (send_zc) {
    io_uring_prep_send_zc(entry, fd, bytes, size, MSG_NOSIGNAL | MSG_WAITALL, 0);
  } else {
    io_uring_prep_send(entry, fd, bytes, size, MSG_NOSIGNAL | MSG_WAITALL);
  }
  entry->user_data = label(op_send, fd);
}

static __attribute__((noinline, cold)) void close_when_idle(int fd) {
  struct connection* const peer = &connections[fd];
  peer->ended = 1;
  if (peer->first == nobody && !peer->receiving) close(fd);
}

static __attribute__((noinline, cold)) void make_slot(int fd) {
  if ((size_t)fd >= slots) {
    slots = ((size_t)fd + 1) * 2;
    connections = realloc(connections, slots * sizeof *connections);
    starved = realloc(starved, slots * sizeof *starved);
    if (!connections || !starved) die("realloc");
  }
  connections[fd] = (struct connection){.first = nobody, .last = nobody};
}

static __attribute__((noinline, cold)) void take_connection(int fd, unsigned flags) {
  if (fd >= 0) {
    set_no_delay(fd);
    make_slot(fd);
    receive(fd);
  }
  if (flags & IORING_CQE_F_MORE) return;
  if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
    accept_later();
  } else {
    accept_more();
  }
}

// The receive is over: no buffer was free, it was asked to stop, or the peer has ended.
static __attribute__((noinline, cold)) void end_receive(int fd, int result) {
  struct connection* const peer = &connections[fd];
  peer->receiving = 0;
  if (result == -ENOBUFS) {
    starved[starved_count++] = fd;
    peer->receiving = 1;  // as soon as there is one
  } else if (result > 0 || result == -ECANCELED || result == -EINTR) {
    if (peer->waiting < most_waiting) receive(fd);
  } else {
    close_when_idle(fd);
  }
}

static inline void take_buffer(int fd, int buffer, size_t size, unsigned flags) {
  struct connection* const peer = &connections[fd];
  sizes[buffer] = size;
  following[buffer] = nobody;
  ++taken;
  if (peer->first == nobody) {
    peer->first = peer->last = buffer;
    send_first(fd);
  } else {
    following[peer->last] = buffer;
    peer->last = buffer;
  }
  if (++peer->waiting == most_waiting && flags & IORING_CQE_F_MORE) stop_receiving(fd);
}

static __attribute__((noinline)) void take_bundle(int fd, size_t size, unsigned flags) {
  if (flags >> IORING_CQE_BUFFER_SHIFT != order[taken % buffers]) die("the order of buffers");
  for (size_t part; size > 0; size -= part) {
    part = size < buffer_bytes ? size : buffer_bytes;
    take_buffer(fd, order[taken % buffers], part, flags);
  }
}

static inline void take_bytes(int fd, int result, unsigned flags) {
  if (result > 0 && bundles) {
    take_bundle(fd, (size_t)result, flags);
  } else if (result > 0) {
    take_buffer(fd, (int)(flags >> IORING_CQE_BUFFER_SHIFT), (size_t)result, flags);
  }
  if (!(flags & IORING_CQE_F_MORE)) end_receive(fd, result);
}

static __attribute__((noinline, cold)) void break_off(int fd) {
  struct connection* const peer = &connections[fd];
  while (peer->first != nobody) {
    const int buffer = peer->first;
    peer->first = following[buffer];
    give_back(buffer);
  }
  peer->waiting = 0;
  shutdown(fd, SHUT_RDWR);  // ends the receive, which closes
  close_when_idle(fd);
}

static inline void take_sent(int fd, int result) {
  struct connection* const peer = &connections[fd];
  if (result < 0 && result != -EINTR && result != -EAGAIN) {
    break_off(fd);
    return;
  }
  const int buffer = peer->first;
  peer->offset += result > 0 ? (size_t)result : 0;
  if (peer->offset == sizes[buffer]) {
    peer->first = following[buffer];
    peer->offset = 0;
    --peer->waiting;
    give_back(buffer);
  }
  if (peer->first != nobody) {
    send_first(fd);
  } else if (!peer->receiving) {
    if (peer->ended) {
      close(fd);
    } else {
      receive(fd);
    }
  }
}

// The first answer of a send_zc says how much was sent, the second that the buffer is free. What is
// next for that peer leaves after the second: with one message in flight that is no difference.
static __attribute__((noinline)) void take_zc_answer(int fd, int result, unsigned flags) {
  struct connection* const peer = &connections[fd];
  if (flags & IORING_CQE_F_MORE) {
    peer->sent = result;
  } else {
    take_sent(fd, flags & IORING_CQE_F_NOTIF ? peer->sent : result);
  }
}

// As io_uring_submit_and_wait(), which cannot say how long to gather.
static __attribute__((noinline)) void submit_and_gather(void) {
  static const struct __kernel_timespec long_enough = {.tv_sec = 3600};  // none: it ends at once
  struct io_uring_sq* const queue = &ring.sq;
  const unsigned mask = *queue->kring_mask;
  unsigned tail = *queue->ktail;
  const unsigned count = queue->sqe_tail - queue->sqe_head;
  for (; queue->sqe_head != queue->sqe_tail; ++queue->sqe_head)
    queue->array[tail++ & mask] = queue->sqe_head & mask;
  __atomic_store_n(queue->ktail, tail, __ATOMIC_RELEASE);
  const struct {
    uint64_t signals;
    uint32_t signals_bytes, min_wait_us;
    uint64_t timeout;
  } more = {.min_wait_us = min_wait_us, .timeout = (uint64_t)(uintptr_t)&long_enough};
  if (*ring.cq.ktail != *ring.cq.khead && count == 0) return;
  const unsigned flags =
      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING;
  const long done = syscall(SYS_io_uring_enter, ring.enter_ring_fd, count, min_wait_events, flags,
                            &more, sizeof more);
  if (done < 0 && errno != EINTR && errno != ETIME) die("io_uring_enter");
}

static void choose_tier(const char* name) {
  send_zc = !strcmp(name, "send_zc");
  bundles = !strcmp(name, "bundles");
  min_wait = !strcmp(name, "min_wait");
  if (send_zc || bundles || min_wait || !*name) return;
  fprintf(stderr, "there is no tier %s; there are send_zc, bundles, min_wait\n", name);
  exit(2);
}

static void open_ring(void) {
  struct io_uring_params wanted = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
      .cq_entries = 4 * entries};
  int failed = io_uring_queue_init_params(entries, &ring, &wanted);
  if (failed == 0) failed = io_uring_register_ring_fd(&ring) < 0;
  if (failed == 0 && ((bundles && !(ring.features & feature_bundle)) ||
                      (min_wait && !(ring.features & feature_min_timeout)))) {
    fprintf(stderr, "this kernel cannot do that\n");
    exit(3);
  }
  memory = aligned_alloc(4096, buffers * buffer_bytes);
  struct io_uring_buf_reg region = {.ring_entries = buffers, .bgid = group};
  buffer_ring = aligned_alloc(4096, buffers * sizeof(struct io_uring_buf));
  if (failed || !memory || !buffer_ring) die("io_uring");
  region.ring_addr = (uint64_t)(uintptr_t)buffer_ring;
  io_uring_buf_ring_init(buffer_ring);
  if (io_uring_register_buf_ring(&ring, &region, 0) < 0) die("io_uring_register_buf_ring");
  for (int i = 0; i < buffers; ++i) give_back(i);
}

int main(int argc, char** argv) {
  const struct options chosen = parse_options(argc, argv);
  choose_tier(chosen.tier);
  prepare_process();
  buffer_bytes = (chosen.buffer_bytes + 4095) / 4096 * 4096;
  open_ring();
  listener = listen_on(chosen);
  end_on_signal();
  accept_more();
  for (;;) {
    if (min_wait) {
      submit_and_gather();
    } else {
      io_uring_submit_and_wait(&ring, 1);
    }
    struct io_uring_cqe* done;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&ring, head, done) {
      ++count;
      const int fd = (int)(uint32_t)done->user_data;
      switch ((enum what)(done->user_data >> 32)) {
        case op_receive: take_bytes(fd, done->res, done->flags); break;
        case op_send:
          if (send_zc) {
            take_zc_answer(fd, done->res, done->flags);
          } else {
            take_sent(fd, done->res);
          }
          break;
        case op_accept: take_connection(done->res, done->flags); break;
        case op_pause: accept_more(); break;
        case op_cancel: break;
        case op_end: _exit(0);
      }
    }
    io_uring_cq_advance(&ring, count);
  }
}
