#pragma once

#include <cerrno>

#include <sys/socket.h>

namespace cetane::os {

/// What a call of libc returned, or a negative errno.
inline int result_of(int returned) noexcept { return returned < 0 ? -errno : returned; }

/// Sets an option that is a number.
inline int set_option(int fd, int layer, int name, int value) noexcept {
  return result_of(::setsockopt(fd, layer, name, &value, sizeof value));
}

}  // namespace cetane::os
