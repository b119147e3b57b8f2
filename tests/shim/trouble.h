// Connections that break, and what the system lacks for a moment.
#pragma once

#include <errno.h>
#include <sys/socket.h>

#include "dice.h"
#include "report.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static int one_of(const int* errors, size_t count) { return errors[throw_dice(count)]; }

static int strikes(unsigned share) { return share != 0 && throw_dice(1000) < share; }

/// Breaks a connection, for good: both ends see it at once, and whoever calls is told why. What has
/// arrived before can still be read, as after a reset by the peer.
static int break_connection(int fd, const int* errors, size_t count) {
  atomic_fetch_add(&counts->broken, 1);
  shutdown(fd, SHUT_RDWR);
  errno = one_of(errors, count);
  return 1;
}

static int read_fails(int fd) {
  static const int errors[] = {ECONNRESET, ETIMEDOUT, EHOSTUNREACH};
  return strikes(settings.breaks) && break_connection(fd, errors, COUNT_OF(errors));
}

/// ENOBUFS and ENOMEM leave the connection as it is: what was to be sent has not been.
static int write_fails(int fd) {
  static const int broken[] = {ECONNRESET, EPIPE, ETIMEDOUT};
  static const int lacks[] = {ENOBUFS, ENOMEM};
  if (!strikes(settings.breaks)) return 0;
  if (throw_dice(2) == 0) return break_connection(fd, broken, COUNT_OF(broken));
  atomic_fetch_add(&counts->broken, 1);
  errno = one_of(lacks, COUNT_OF(lacks));
  return 1;
}

/// Who waits to be accepted goes on waiting.
static int accept_fails(void) {
  static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO};
  if (!strikes(settings.accepts)) return 0;
  atomic_fetch_add(&counts->not_accepted, 1);
  errno = one_of(errors, COUNT_OF(errors));
  return 1;
}
