#include <app/type_text.hpp>

#include <cstdlib>
#include <memory>

#include <cxxabi.h>

namespace cetane::detail {

std::string type_text(const std::type_info& type) {
  if (type == typeid(std::string)) return "std::string";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return name != nullptr ? name.get() : type.name();
}

}  // namespace cetane::detail
