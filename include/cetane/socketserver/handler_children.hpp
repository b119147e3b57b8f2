#pragma once

#include <cetane/os/process.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace cetane::socketserver::detail {

struct ended_child {
  int pid;
  child_status status;
};

/// The child processes of a forking server.
class CETANE_API handler_children {
 public:
  void start(const std::function<int()>& body, const fork_options& options);
  /// Those that have ended; all, when it waits for them.
  std::vector<ended_child> collect(bool blocking);
  /// For a child, which has no part in its parent's children.
  void forget() noexcept { running_.clear(); }

  std::size_t size() const noexcept { return running_.size(); }
  std::set<int> pids() const;
  void add_pidfds(std::vector<int>& out) const;

 private:
  std::map<int, child_process> running_;
};

}  // namespace cetane::socketserver::detail
