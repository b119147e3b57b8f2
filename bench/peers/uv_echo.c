// libuv's echo server: one read buffer for all connections, answers written at once where the socket
// takes them.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static char* read_buffer;
static size_t buffer_bytes = 16 * 1024;

struct answer {
  uv_write_t request;
  char bytes[];
};

static void free_peer(uv_handle_t* peer) { free(peer); }

static void lend_buffer(uv_handle_t* peer, size_t wanted, uv_buf_t* buffer) {
  (void)peer;
  (void)wanted;
  *buffer = uv_buf_init(read_buffer, (unsigned)buffer_bytes);
}

static void on_written(uv_write_t* request, int status) {
  (void)status;
  free(request->data);
}

static void send_rest(uv_stream_t* peer, const char* bytes, size_t size) {
  struct answer* rest = malloc(sizeof *rest + size);
  memcpy(rest->bytes, bytes, size);
  rest->request.data = rest;
  uv_buf_t piece = uv_buf_init(rest->bytes, (unsigned)size);
  uv_write(&rest->request, peer, &piece, 1, on_written);
}

static void on_read(uv_stream_t* peer, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) {
    uv_close((uv_handle_t*)peer, free_peer);
    return;
  }
  uv_buf_t piece = uv_buf_init(buffer->base, (unsigned)size);
  const int sent = uv_try_write(peer, &piece, 1);
  const size_t done = sent > 0 ? (size_t)sent : 0;
  if (done < (size_t)size) send_rest(peer, buffer->base + done, (size_t)size - done);
}

static void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  uv_tcp_t* peer = malloc(sizeof *peer);
  uv_tcp_init(listener->loop, peer);
  uv_accept(listener, (uv_stream_t*)peer);
  uv_tcp_nodelay(peer, 1);
  uv_read_start((uv_stream_t*)peer, lend_buffer, on_read);
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
    if (!strcmp(argv[i], "--buffer")) buffer_bytes = (size_t)atol(argv[i + 1]);
  }
  read_buffer = malloc(buffer_bytes);
  struct sockaddr_in here;
  uv_tcp_t listener;
  uv_ip4_addr(host, port, &here);
  uv_tcp_init(uv_default_loop(), &listener);
  if (uv_tcp_bind(&listener, (struct sockaddr*)&here, 0) < 0 ||
      uv_listen((uv_stream_t*)&listener, 4096, on_connection) < 0) {
    fprintf(stderr, "cannot listen\n");
    return 3;
  }
  int length = sizeof here;
  uv_tcp_getsockname(&listener, (struct sockaddr*)&here, &length);
  printf("listening on tcp://%s:%d\n", host, ntohs(here.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
