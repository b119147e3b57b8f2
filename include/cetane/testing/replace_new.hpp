// Replaces operator new and operator delete, so that allocation_failure and fail_allocations() can
// let allocations fail. Include it in one source file of the test program, and in no header.
#pragma once

#include <cetane/testing/allocation_failure.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

// Not inlined: beside other files GCC would take the malloc in here for a mistake of theirs.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (cetane::testing::allocation_failure::strikes()) throw std::bad_alloc();
  if (void* block = std::malloc(std::max<std::size_t>(bytes, 1))) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

// A sanitizer's own would not come by.
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return operator new(bytes); }
[[gnu::noinline]] void operator delete[](void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (cetane::testing::allocation_failure::strikes()) return nullptr;
  return std::malloc(std::max<std::size_t>(bytes, 1));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t& none) noexcept {
  return operator new(bytes, none);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}

[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  if (cetane::testing::allocation_failure::strikes()) throw std::bad_alloc();
  const auto step = static_cast<std::size_t>(alignment);
  const std::size_t whole = std::max(step, (bytes + step - 1) / step * step);
  if (void* block = std::aligned_alloc(step, whole)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
