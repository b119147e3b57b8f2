// The limit, level-triggered: an echo server with nothing between it and the kernel. One thread,
// one read buffer for all connections, one recv and one send a message. While a peer does not take
// its bytes, nothing more is read from it.
#define _GNU_SOURCE
#include "remainder.h"

#include "poller.h"

static __attribute__((noinline, cold)) void go_on_sending(int fd) {
  const enum sent outcome = send_remainder(fd);
  if (outcome == all_sent) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  if (outcome == peer_gone) drop(fd);
}

static __attribute__((noinline, cold)) void finish_send(int fd, size_t size, ssize_t sent) {
  const enum sent outcome = keep_remainder(fd, buffer, size, sent);
  if (outcome == some_left) watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  if (outcome == peer_gone) drop(fd);
}

/// One recv, one send: whatever is left in the socket is reported again.
static inline void echo(int fd) {
  const ssize_t size = recv(fd, buffer, buffer_bytes, 0);
  if (size > 0) {
    const ssize_t sent = send(fd, buffer, (size_t)size, MSG_NOSIGNAL);
    if (sent != size) finish_send(fd, (size_t)size, sent);
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    drop(fd);
  }
}

int main(int argc, char** argv) {
  open_server(argc, argv);
  struct epoll_event events[events_a_wait];
  for (;;) {
    const int count = wait_for_events(events);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (events[i].events == EPOLLIN && fd != listener) {
        echo(fd);
      } else if (fd == listener) {
        accept_all(EPOLLIN);
      } else if (remainders[fd]) {
        go_on_sending(fd);
      } else {
        echo(fd);
      }
    }
  }
}
