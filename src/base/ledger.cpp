#include <base/ledger.hpp>

namespace cetane::detail {
namespace {

constinit ledger books;

}  // namespace

ledger& ledger::of_process() noexcept { return books; }

}  // namespace cetane::detail
