// libuv's echo of datagrams: received many at a time, answered at once where the socket takes it.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static char read_buffer[64 * 64 * 1024];  // libuv receives as many datagrams at once as 64 KiB fit

static void lend_buffer(uv_handle_t* handle, size_t wanted, uv_buf_t* buffer) {
  (void)handle;
  (void)wanted;
  *buffer = uv_buf_init(read_buffer, sizeof read_buffer);
}

static void on_datagram(uv_udp_t* here, ssize_t size, const uv_buf_t* bytes,
                        const struct sockaddr* from, unsigned flags) {
  (void)flags;
  if (size < 0 || from == NULL) return;
  uv_buf_t piece = uv_buf_init(bytes->base, (unsigned)size);
  uv_udp_try_send(here, &piece, 1, from);
}

static void end_at_once(int signal) {
  (void)signal;
  _exit(0);
}

int main(int argc, char** argv) {
  signal(SIGTERM, end_at_once);
  const char* host = "127.0.0.1";
  int port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--host")) host = argv[i + 1];
    if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
  }
  struct sockaddr_in here;
  uv_udp_t server;
  uv_ip4_addr(host, port, &here);
  uv_udp_init_ex(uv_default_loop(), &server, AF_UNSPEC | UV_UDP_RECVMMSG);
  if (uv_udp_bind(&server, (struct sockaddr*)&here, 0) < 0 ||
      uv_udp_recv_start(&server, lend_buffer, on_datagram) < 0) {
    fprintf(stderr, "cannot receive\n");
    return 3;
  }
  int length = sizeof here;
  uv_udp_getsockname(&server, (struct sockaddr*)&here, &length);
  printf("listening on udp://%s:%d\n", host, ntohs(here.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
