// What the raw servers need before the first message: options, a listening socket, the start line,
// a clean end.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct options {
  const char* host;
  int port;
  size_t buffer_bytes;
  const char *certificate, *key;  // where TLS is spoken
  const char* tier;               // of io_uring: what it is to be tried with
};

static inline void die(const char* what) {
  perror(what);
  exit(3);
}

static inline struct options parse_options(int argc, char** argv) {
  struct options found = {"127.0.0.1", 8013, 16 * 1024, "certificate.pem", "key.pem", ""};
  for (int i = 1; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : NULL;
    if (value && !strcmp(argv[i], "--host")) {
      found.host = value;
    } else if (value && !strcmp(argv[i], "--port")) {
      found.port = atoi(value);
    } else if (value && !strcmp(argv[i], "--buffer") && atol(value) > 0) {
      found.buffer_bytes = (size_t)atol(value);
    } else if (value && !strcmp(argv[i], "--tier")) {
      found.tier = value;
    } else if (value && !strcmp(argv[i], "--tls-cert")) {
      found.certificate = value;
    } else if (value && !strcmp(argv[i], "--tls-key")) {
      found.key = value;
    } else {
      fprintf(stderr, "usage: %s [--host ADDRESS] [--port N] [--buffer BYTES] [--tier NAME]\n", argv[0]);
      exit(2);
    }
  }
  return found;
}

/// Listens without blocking and says where; port 0 picks a free one.
static inline int listen_on(struct options chosen) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);

  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)chosen.port)};
  socklen_t length = sizeof here;
  if (inet_pton(AF_INET, chosen.host, &here.sin_addr) != 1) die(chosen.host);
  if (bind(listener, (struct sockaddr*)&here, length) < 0) die("bind");
  if (listen(listener, 4096) < 0) die("listen");
  getsockname(listener, (struct sockaddr*)&here, &length);
  printf("listening on tcp://%s:%d\n", chosen.host, ntohs(here.sin_port));
  fflush(stdout);
  return listener;
}

static inline void end_at_once(int signal) {
  (void)signal;
  _exit(0);
}

/// Ends with status 0 on SIGTERM and SIGINT, and raises the descriptor limit as far as it goes.
static inline void prepare_process(void) {
  signal(SIGTERM, end_at_once);
  signal(SIGINT, end_at_once);
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

static inline void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
