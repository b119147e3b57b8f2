// The limit for TLS: OpenSSL on an epoll loop, with nothing else between it and the kernel. One
// thread, one buffer of plain text for all connections. What a wake-up has decrypted is encrypted at
// once; while a peer does not take its bytes, nothing more is read from it.
#define _GNU_SOURCE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct peer {
  SSL* ssl;
  size_t unsent;  // bytes in `kept`, which SSL_write wants again
  char* kept;
};

static struct peer* peers;  // index: descriptor
static int peer_slots;
static SSL_CTX* context;

static inline void make_slot(int fd) {
  if (fd >= peer_slots) {
    const int slots = (fd + 1) * 2;
    peers = realloc(peers, (size_t)slots * sizeof *peers);
    if (!peers) abort();
    memset(peers + peer_slots, 0, (size_t)(slots - peer_slots) * sizeof *peers);
    peer_slots = slots;
  }
  peers[fd].ssl = SSL_new(context);
  SSL_set_fd(peers[fd].ssl, fd);
  SSL_set_accept_state(peers[fd].ssl);
}

static inline void forget(int fd) {
  SSL_free(peers[fd].ssl);
  free(peers[fd].kept);
  peers[fd] = (struct peer){0};
}

#include "poller.h"

static void open_context(struct options chosen) {
  context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, chosen.certificate) != 1) die(chosen.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, chosen.key, SSL_FILETYPE_PEM) != 1) die(chosen.key);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one recv for a record, not two
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets are with the clients
}

// What OpenSSL has not got rid of: the same bytes are handed to it again when there is room.
static int keep(int fd, const char* bytes, size_t size) {
  struct peer* const one = &peers[fd];
  if (SSL_get_error(one->ssl, -1) != SSL_ERROR_WANT_WRITE) return 0;
  if (!one->kept) {
    one->kept = malloc(size);
    memcpy(one->kept, bytes, size);
    one->unsent = size;
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }
  return 1;
}

/// False when the connection is over.
static int send_back(int fd, const char* bytes, size_t size) {
  size_t sent;
  ERR_clear_error();
  return SSL_write_ex(peers[fd].ssl, bytes, size, &sent) == 1 || keep(fd, bytes, size);
}

static int send_kept(int fd) {
  struct peer* const one = &peers[fd];
  size_t sent;
  ERR_clear_error();
  if (SSL_write_ex(one->ssl, one->kept, one->unsent, &sent) != 1)
    return SSL_get_error(one->ssl, -1) == SSL_ERROR_WANT_WRITE;
  free(one->kept);
  one->kept = NULL;
  watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  return 1;
}

// As much as the socket has and the buffer takes; what OpenSSL holds back must be asked for, since
// the socket does not tell of it.
static int echo(int fd) {
  SSL* const ssl = peers[fd].ssl;
  do {
    size_t size = 0, count = 0;
    int result = 1;
    ERR_clear_error();
    do {
      result = SSL_read_ex(ssl, buffer + size, buffer_bytes - size, &count);
      if (result == 1) size += count;
    } while (result == 1 && size < buffer_bytes && SSL_has_pending(ssl));
    const int error = SSL_get_error(ssl, result);  // now: the next SSL_write would hide it
    if (size > 0 && !send_back(fd, buffer, size)) return 0;
    if (error != SSL_ERROR_NONE) return error == SSL_ERROR_WANT_READ;
  } while (SSL_has_pending(ssl) && !peers[fd].kept);
  return 1;
}

int main(int argc, char** argv) {
  open_context(open_server(argc, argv));
  signal(SIGPIPE, SIG_IGN);  // OpenSSL sends with write(2)
  struct epoll_event events[events_a_wait];
  for (;;) {
    const int count = wait_for_events(events);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(EPOLLIN);
      } else if (!(peers[fd].kept ? send_kept(fd) && (peers[fd].kept || echo(fd)) : echo(fd))) {
        SSL_shutdown(peers[fd].ssl);
        drop(fd);
      }
    }
  }
}
