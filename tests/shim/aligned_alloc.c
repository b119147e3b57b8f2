/* Preloaded before a malloc that has memalign() but not aligned_alloc(), Electric Fence's for example: leads the one to the other. */
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
