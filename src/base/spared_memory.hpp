#pragma once

#include <cetane/base/config.hpp>

namespace cetane::detail {

/// Begins (1) or ends (-1) a time when allocations of this thread are spared.
CETANE_API void spare_memory(int step) noexcept;

/// As long as one lives, allocations of this thread are not those of the program under test: what
/// lets allocations fail passes them by. A simulated network allocates where a kernel would.
class spared_memory {
 public:
  spared_memory() noexcept { spare_memory(1); }
  spared_memory(const spared_memory&) = delete;
  spared_memory& operator=(const spared_memory&) = delete;
  ~spared_memory() { spare_memory(-1); }
};

/// The program's again, within that: a simulated network calls up.
class CETANE_API demanded_memory {
 public:
  demanded_memory() noexcept;
  demanded_memory(const demanded_memory&) = delete;
  demanded_memory& operator=(const demanded_memory&) = delete;
  ~demanded_memory();

 private:
  int spared_;
};

/// Whether this thread's allocations are spared now.
CETANE_API bool memory_is_spared() noexcept;

}  // namespace cetane::detail
