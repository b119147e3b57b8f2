#include <fuzz/environment.hpp>

namespace cetane::fuzz {

constinit environment* environment::current_ = nullptr;

environment::environment() { current_ = this; }
environment::~environment() { current_ = nullptr; }
environment* environment::current() noexcept { return current_; }

const char* environment::find(const std::string& name) const noexcept {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : found->second.c_str();
}

}  // namespace cetane::fuzz
