// Counters in a file that outlives the program, whichever way it ends. They are how a test knows
// that the program's calls came through the shim at all.
#pragma once

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct report {  // shim.py reads it: ten numbers of 64 bits
  atomic_ullong reads, bytes_read, largest_read;
  atomic_ullong writes, bytes_written, largest_write;
  atomic_ullong interrupted, refused;  // invented EINTR, invented EAGAIN
  atomic_ullong broken, not_accepted;
};

static struct report unreported;
static struct report* counts = &unreported;

static void open_report(void) {
  const char* path = getenv("SHORT_IO_REPORT");
  if (!path) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* shared = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof *counts) == 0) {
    shared = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (shared == MAP_FAILED) {
    perror("short_io: cannot open the report");
    exit(2);
  }
  close(fd);
  counts = shared;
}

static void count_read(size_t bytes) {
  atomic_fetch_add(&counts->reads, 1);
  atomic_fetch_add(&counts->bytes_read, bytes);
  if (bytes > atomic_load(&counts->largest_read)) atomic_store(&counts->largest_read, bytes);
}

static void count_write(size_t bytes) {
  atomic_fetch_add(&counts->writes, 1);
  atomic_fetch_add(&counts->bytes_written, bytes);
  if (bytes > atomic_load(&counts->largest_write)) atomic_store(&counts->largest_write, bytes);
}
