#include <cetane/sync/topic.hpp>

namespace cetane {

std::string detail::topic_text() { return "topic"; }

}  // namespace cetane
