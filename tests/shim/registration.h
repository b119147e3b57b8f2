// Which edge-triggered registrations the program has made, so that the kernel can be asked to look
// at one again.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "next.h"

enum { known_descriptors = 1 << 16 };

struct registration {
  int poller;
  struct epoll_event event;  // events 0: nothing to renew
};

static struct registration registrations[known_descriptors];

static void remember_registration(int poller, int operation, int fd,
                                  const struct epoll_event* event) {
  if (fd < 0 || fd >= known_descriptors) {
    fprintf(stderr, "short_io: descriptor %d is beyond what the shim knows\n", fd);
    abort();
  }
  const int edge_triggered = operation != EPOLL_CTL_DEL && (event->events & EPOLLET) &&
                             !(event->events & (EPOLLONESHOT | EPOLLEXCLUSIVE));
  struct registration* known = &registrations[fd];
  known->poller = poller;
  if (edge_triggered)
    known->event = *event;
  else
    known->event.events = 0;
}

/// Makes the kernel report the state of `fd` once more, if the program waits for an edge of it.
///
/// A registration that has gone with its descriptor is found out here: EPOLL_CTL_MOD knows only
/// what is registered.
static void renew_registration(int fd) {
  struct registration* known = &registrations[fd];
  if (known->event.events == 0) return;
  NEXT(epoll_ctl);
  const int before = errno;
  if (next(known->poller, EPOLL_CTL_MOD, fd, &known->event) < 0) known->event.events = 0;
  errno = before;
}
