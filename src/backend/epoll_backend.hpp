#pragma once

#include <runtime/backend.hpp>

#include <memory>

namespace cetane::detail {

/// Makes the epoll backend. Throws cetane::error when the kernel refuses.
std::unique_ptr<backend> make_epoll_backend();

}  // namespace cetane::detail
