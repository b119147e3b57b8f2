// The limit, edge-triggered: as epoll_echo.c, but each connection is registered once, for both
// directions, and a peer that does not read costs no epoll_ctl. A short read proves that a TCP
// socket is empty, unless the peer has finished (the end comes without an edge of its own) or has
// sent urgent data (which splits reads).
#define _GNU_SOURCE
#include "remainder.h"

#include "poller.h"

enum { reads_a_turn = 64 };

static const uint32_t both_directions = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

/// True when everything is sent. Otherwise an edge for output will come, or the connection is gone.
static __attribute__((noinline, cold)) int finish_send(int fd, size_t size, ssize_t sent) {
  const enum sent outcome = keep_remainder(fd, buffer, size, sent);
  if (outcome == peer_gone) drop(fd);
  return outcome == all_sent;
}

static __attribute__((noinline, cold)) int go_on_sending(int fd) {
  const enum sent outcome = send_remainder(fd);
  if (outcome == peer_gone) drop(fd);
  return outcome == all_sent;
}

/// Echoes until the socket is known to be empty or the peer takes no more.
static inline void echo(int fd, uint32_t events) {
  for (int reads = 0; reads < reads_a_turn; ++reads) {
    const ssize_t size = recv(fd, buffer, buffer_bytes, 0);
    if (size <= 0) {
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0 && errno == EINTR) continue;
      drop(fd);
      return;
    }
    const ssize_t sent = send(fd, buffer, (size_t)size, MSG_NOSIGNAL);
    if (sent != size && !finish_send(fd, (size_t)size, sent)) return;
    if ((size_t)size < buffer_bytes && !(events & (EPOLLRDHUP | EPOLLPRI))) return;
  }
  watch(EPOLL_CTL_MOD, fd,
        both_directions);  // others have their turn; what is left is reported again
}

static __attribute__((noinline, cold)) void take_unusual(int fd, uint32_t events) {
  if (fd == listener) {
    accept_all(both_directions);
  } else if (remainders[fd]) {
    if (go_on_sending(fd))
      echo(fd, EPOLLRDHUP);  // input that came meanwhile has had its edge: read until EAGAIN
  } else if (events & ~(uint32_t)EPOLLOUT) {
    echo(fd, events);
  }
}

int main(int argc, char** argv) {
  open_server(argc, argv);
  struct epoll_event events[events_a_wait];
  for (;;) {
    const int count = wait_for_events(events);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (events[i].events == (EPOLLIN | EPOLLOUT) && !remainders[fd]) {
        echo(fd, EPOLLIN);
      } else {
        take_unusual(fd, events[i].events);
      }
    }
  }
}
