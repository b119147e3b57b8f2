#include <cetane/conc/timeout.hpp>

namespace cetane::detail {

void throw_timed_out(const std::string& waited_for, duration span) {
  throw timed_out(waited_for, span);
}

void throw_timed_out(const std::string& waited_for, time_point) { throw timed_out(waited_for); }

}  // namespace cetane::detail
