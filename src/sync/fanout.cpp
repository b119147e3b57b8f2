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
void report_failed_call(const char* whose) noexcept try {
  try {
    throw;
  } catch (const std::exception& e) {
    sync_log.error("the function of {} failed: {}", whose, e.what());
  } catch (...) {
    sync_log.error("the function of {} failed with something that is no std::exception", whose);
  }
} catch (...) {
}

}  // namespace cetane::detail
