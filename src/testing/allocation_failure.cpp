#include <cetane/testing/allocation_failure.hpp>

#include <base/spared_memory.hpp>

#include <new>
#include <stdexcept>

namespace cetane::testing {
namespace {

constinit thread_local allocation_failure* counting = nullptr;

}  // namespace

allocation_failure::allocation_failure(std::uint64_t number) : wanted_(0) {
  if (counting != nullptr) {
    throw std::logic_error("allocation_failure: one lives on this thread already");
  }
  counting = this;
  ::operator delete(::operator new(1));
  if (seen_ == 0) {
    counting = nullptr;
    throw std::logic_error(
        "allocation_failure: operator new is not replaced; include "
        "<cetane/testing/replace_new.hpp> in one source file of this program");
  }
  seen_ = 0;
  wanted_ = number;
}

allocation_failure::~allocation_failure() { counting = nullptr; }

bool allocation_failure::strikes() noexcept {
  if (counting == nullptr || cetane::detail::memory_is_spared()) return false;
  return ++counting->seen_ == counting->wanted_;
}

spared_allocations::spared_allocations() noexcept { cetane::detail::spare_memory(1); }
spared_allocations::~spared_allocations() { cetane::detail::spare_memory(-1); }

}  // namespace cetane::testing
