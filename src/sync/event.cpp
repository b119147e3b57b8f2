#include <cetane/sync/event.hpp>

namespace cetane {

std::string detail::event_wait::describe_wait() const { return "event"; }

}  // namespace cetane
