#include <cetane/sync/countdown.hpp>

#include <fmt/format.h>

namespace cetane {

std::string detail::countdown_wait::describe_wait() const {
  return fmt::format("countdown, {} of {} left", countdown_.left(), countdown_.ticks());
}

}  // namespace cetane
