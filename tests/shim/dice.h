// What the shim was told to do, and the random decisions that follow from it.
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
  size_t smallest, largest;  // of a read or write, in bytes; largest 0: nothing is cut
  unsigned eintr, eagain;    // of 1,000 calls
  unsigned breaks, accepts;  // of 1,000 reads and writes, of 1,000 accepts
  uint64_t seed;
} settings;

static uint64_t number_in_environment(const char* name) {
  const char* value = getenv(name);
  return value ? strtoull(value, NULL, 10) : 0;
}

static void read_settings(void) {
  const char* sizes = getenv("SHORT_IO_SIZES");
  if (sizes && (sscanf(sizes, "%zu:%zu", &settings.smallest, &settings.largest) != 2 ||
                settings.smallest == 0 || settings.smallest > settings.largest)) {
    fprintf(stderr, "short_io: SHORT_IO_SIZES wants SMALLEST:LARGEST, not %s\n", sizes);
    exit(2);
  }
  settings.eintr = (unsigned)number_in_environment("SHORT_IO_EINTR");
  settings.eagain = (unsigned)number_in_environment("SHORT_IO_EAGAIN");
  settings.breaks = (unsigned)number_in_environment("SHORT_IO_BREAKS");
  settings.accepts = (unsigned)number_in_environment("SHORT_IO_ACCEPTS");
  settings.seed = number_in_environment("SHORT_IO_SEED");
}

/// Gives a number below `limit` (splitmix64). Each thread has a sequence of its own, told by the
/// seed and the order of the threads' first calls.
static uint64_t throw_dice(uint64_t limit) {
  static atomic_ullong threads;
  static _Thread_local uint64_t state;
  if (state == 0) state = (settings.seed + 1) * 0xd1342543de82ef95u + atomic_fetch_add(&threads, 1);
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % limit;
}
