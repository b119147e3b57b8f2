#include <cetane/socketserver/handler_children.hpp>

#include <utility>

namespace cetane::socketserver::detail {

void handler_children::start(const std::function<int()>& body, const fork_options& options) {
  child_process child = fork_process(body, options);
  const int pid = child.pid();
  running_.insert_or_assign(pid, std::move(child));
}

std::vector<ended_child> handler_children::collect(bool blocking) {
  std::vector<ended_child> ended;
  for (auto at = running_.begin(); at != running_.end();) {
    const auto status = blocking ? at->second.wait() : at->second.try_wait();
    if (status) {
      ended.push_back({at->first, *status});
      at = running_.erase(at);
    } else {
      ++at;
    }
  }
  return ended;
}

std::set<int> handler_children::pids() const {
  std::set<int> all;
  for (const auto& one : running_) all.insert(one.first);
  return all;
}

void handler_children::add_pidfds(std::vector<int>& out) const {
  for (const auto& one : running_) out.push_back(one.second.pidfd());
}

}  // namespace cetane::socketserver::detail
