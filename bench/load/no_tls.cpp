// Instead of tls.cpp where there is no OpenSSL.
#include <stdexcept>

#include "tls.hpp"

namespace load {
namespace {

[[noreturn]] void refuse() { throw std::invalid_argument("--tls needs OpenSSL, built without it"); }

}  // namespace

std::unique_ptr<channel> open_secure(int, const std::string&) { refuse(); }
outcome visit(const options&) { refuse(); }

}  // namespace load
