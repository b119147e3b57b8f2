// What a peer has not taken yet, by descriptor. A connection whose peer reads keeps nothing here
// but an empty slot.
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct remainder {
  size_t begin, end;
  char bytes[];
};

enum sent { all_sent, some_left, peer_gone };

static struct remainder** remainders;  // index: descriptor
static size_t remainder_slots;

/// Makes sure that `fd` has a slot; done once for each accepted connection, so that the echo itself
/// need not look.
static inline void make_slot(int fd) {
  if ((size_t)fd < remainder_slots) return;
  const size_t slots = ((size_t)fd + 1) * 2;
  remainders = realloc(remainders, slots * sizeof *remainders);
  if (!remainders) abort();
  memset(remainders + remainder_slots, 0, (slots - remainder_slots) * sizeof *remainders);
  remainder_slots = slots;
}

static inline void forget(int fd) {
  free(remainders[fd]);
  remainders[fd] = NULL;
}

/// Sends what is left for `fd` until the kernel takes no more.
static __attribute__((noinline, cold)) enum sent send_remainder(int fd) {
  struct remainder* left = remainders[fd];
  while (left->begin < left->end) {
    const ssize_t n = send(fd, left->bytes + left->begin, left->end - left->begin, MSG_NOSIGNAL);
    if (n >= 0) {
      left->begin += (size_t)n;
    } else if (errno == EAGAIN) {
      return some_left;
    } else if (errno != EINTR) {
      return peer_gone;
    }
  }
  forget(fd);
  return all_sent;
}

/// Takes over after a send that did not send everything: `n` is what it returned.
static __attribute__((noinline, cold)) enum sent keep_remainder(int fd, const char* bytes,
                                                                size_t size, ssize_t n) {
  if (n < 0 && errno != EAGAIN && errno != EINTR) return peer_gone;
  const size_t done = n < 0 ? 0 : (size_t)n;
  struct remainder* left = malloc(sizeof *left + size - done);
  if (!left) return peer_gone;
  left->begin = 0;
  left->end = size - done;
  memcpy(left->bytes, bytes + done, size - done);
  remainders[fd] = left;
  return send_remainder(fd);
}
