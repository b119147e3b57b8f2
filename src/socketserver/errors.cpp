#include <cetane/socketserver/errors.hpp>

namespace cetane::socketserver {

would_deadlock::~would_deadlock() = default;

}  // namespace cetane::socketserver
