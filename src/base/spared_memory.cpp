#include <base/spared_memory.hpp>

#include <utility>

namespace cetane::detail {
namespace {

constinit thread_local int spared = 0;

}  // namespace

void spare_memory(int step) noexcept { spared += step; }

demanded_memory::demanded_memory() noexcept : spared_(std::exchange(spared, 0)) {}
demanded_memory::~demanded_memory() { spared = spared_; }

bool memory_is_spared() noexcept { return spared != 0; }

}  // namespace cetane::detail
