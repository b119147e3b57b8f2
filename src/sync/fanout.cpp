#include <cetane/sync/fanout.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <exception>

namespace cetane::detail {
namespace {

const log::logger sync_log("sync");

}  // namespace

void throw_fell_behind(std::size_t limit) { throw fell_behind("subscriber of a fanout", limit); }

// Without memory for the line there is none.
void report_failed(const char* what) noexcept try {
  try {
    throw;
  } catch (const std::exception& e) {
    sync_log.error("{} failed: {}", what, e.what());
  } catch (...) {
    sync_log.error("{} failed with something that is no std::exception", what);
  }
} catch (...) {
}

}  // namespace cetane::detail
