// The functions that the shim stands in front of.
#pragma once

#include <dlfcn.h>

/// Declares `next`, the function called `name` that the program would have called without the shim.
#define NEXT(name)               \
  static __typeof__(&name) next; \
  if (!next) *(void**)&next = dlsym(RTLD_NEXT, #name)
