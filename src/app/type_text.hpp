#pragma once

#include <string>
#include <typeinfo>

namespace cetane::detail {

/// The name of a type as it is written, for messages.
std::string type_text(const std::type_info& type);

}  // namespace cetane::detail
