// The event loop's furniture that the raw servers share: registering, accepting, dropping, resting
// when descriptors run out. What a connection keeps is made and freed by make_slot() and forget(),
// which are defined before: in remainder.h, for example.
#pragma once

#include <errno.h>

#include "listener.h"

enum { events_a_wait = 256, pause_ms = 100 };

static int poller, listener;
static int listener_rests;  // out of descriptors: until somebody leaves, at most for pause_ms
static char* buffer;
static size_t buffer_bytes;

static void watch(int operation, int fd, uint32_t events) {
  struct epoll_event wanted = {.events = events, .data.fd = fd};
  if (epoll_ctl(poller, operation, fd, &wanted) < 0) die("epoll_ctl");
}

static void wake_listener(void) {
  watch(EPOLL_CTL_ADD, listener, EPOLLIN);
  listener_rests = 0;
}

static void rest_listener(void) {
  epoll_ctl(poller, EPOLL_CTL_DEL, listener, NULL);
  listener_rests = 1;
}

static __attribute__((noinline, cold)) void drop(int fd) {
  forget(fd);
  close(fd);
  if (listener_rests) wake_listener();
}

static __attribute__((noinline, cold)) void accept_all(uint32_t connection_events) {
  for (;;) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      set_no_delay(fd);
      make_slot(fd);
      watch(EPOLL_CTL_ADD, fd, connection_events);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      rest_listener();
      return;
    }  // accept(2): every other error belongs to the one connection that did not come about
  }
}

static struct options open_server(int argc, char** argv) {
  const struct options chosen = parse_options(argc, argv);
  prepare_process();
  buffer_bytes = chosen.buffer_bytes;
  buffer = malloc(buffer_bytes);
  poller = epoll_create1(EPOLL_CLOEXEC);
  listener = listen_on(chosen);
  wake_listener();
  return chosen;
}

static inline int wait_for_events(struct epoll_event* events) {
  const int count = epoll_wait(poller, events, events_a_wait, listener_rests ? pause_ms : -1);
  if (count == 0 && listener_rests) wake_listener();
  return count;
}
