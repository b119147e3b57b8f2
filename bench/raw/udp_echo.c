// The limit for datagrams: whatever a pass finds comes in with one recvmmsg and leaves with one
// sendmmsg. What the socket does not take is dropped, as the network would.
#define _GNU_SOURCE
#include "listener.h"

#include <errno.h>

enum { batch = 64, datagram_bytes = 2048 };

static char bytes[batch][datagram_bytes];
static struct sockaddr_in senders[batch];
static struct iovec parts[batch];
static struct mmsghdr messages[batch];

static void prepare(int index) {
  parts[index] = (struct iovec){bytes[index], datagram_bytes};
  messages[index].msg_hdr = (struct msghdr){.msg_name = &senders[index],
                                            .msg_namelen = sizeof senders[index],
                                            .msg_iov = &parts[index],
                                            .msg_iovlen = 1};
}

static int open_socket(struct options chosen) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)chosen.port)};
  socklen_t length = sizeof here;
  if (inet_pton(AF_INET, chosen.host, &here.sin_addr) != 1) die(chosen.host);
  if (bind(fd, (struct sockaddr*)&here, length) < 0) die("bind");
  getsockname(fd, (struct sockaddr*)&here, &length);
  printf("listening on udp://%s:%d\n", chosen.host, ntohs(here.sin_port));
  fflush(stdout);
  return fd;
}

static void echo_all(int fd) {
  const int count = recvmmsg(fd, messages, batch, 0, NULL);
  for (int i = 0; i < count; ++i) parts[i].iov_len = messages[i].msg_len;
  for (int sent = 0; sent < count;) {
    const int now = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
    sent += now > 0 ? now : 1;
  }
  for (int i = 0; i < count; ++i) prepare(i);
}

int main(int argc, char** argv) {
  prepare_process();
  const int fd = open_socket(parse_options(argc, argv));
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  for (int i = 0; i < batch; ++i) prepare(i);
  for (;;) {
    if (epoll_wait(poller, &event, 1, -1) > 0) echo_all(fd);
  }
}
