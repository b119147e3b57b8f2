#include <cetane/sync/event.hpp>

#include <cetane/coro/wait_causes.hpp>

namespace cetane {

std::string detail::event_wait::describe_wait() const { return "event"; }

void detail::event_wait::tell_causes(wait_causes& to) const { to.missing("nobody has set it"); }

}  // namespace cetane
