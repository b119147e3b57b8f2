#pragma once

#include <os/file.hpp>

#include <cetane/os/address.hpp>

#include <string>
#include <utility>

#include <unistd.h>

namespace cetane::detail {

/// The file of a Unix socket that listens: removed by who made it, unless it is another one by
/// then. TCP and abstract names have none.
class socket_file {
 public:
  void made_at(const address& bound) {
    if (!bound.is_unix()) return;
    std::string path = bound.host();
    if (path.starts_with('@') || os::identify_file(path.c_str(), identity_) < 0) return;
    path_ = std::move(path);
  }

  /// It is somebody else's from now on.
  void leave() noexcept { path_.clear(); }

  /// Whether remove() has something to remove.
  bool is_kept() const noexcept { return !path_.empty(); }

  void remove() noexcept {
    if (path_.empty()) return;
    os::file_identity now;
    if (os::identify_file(path_.c_str(), now) >= 0 && now == identity_) ::unlink(path_.c_str());
    path_.clear();
  }

 private:
  std::string path_;
  os::file_identity identity_;
};

}  // namespace cetane::detail
