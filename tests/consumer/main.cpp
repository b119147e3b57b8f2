// The smallest program that uses cetane from outside.

#include <cetane/base/version.hpp>

#include <fmt/core.h>

int main() { fmt::print("cetane {}\n", cetane::to_string(cetane::library_version())); }
