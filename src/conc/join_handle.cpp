#include <cetane/conc/join_handle.hpp>

#include <stdexcept>

namespace cetane::detail {

void refuse_join(const char* why) { throw std::logic_error(why); }

}  // namespace cetane::detail
