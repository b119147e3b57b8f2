#include "os/port_holder.hpp"

#include "os/socket_table.hpp"

#include <cetane/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

// Two steps: /proc/net says which socket, by its inode, listens there; the links in /proc/PID/fd
// say who has it open.

namespace cetane::os {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> tcp_inodes(std::uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    for (std::string line; std::getline(in, line);) {
      if (auto inode = tcp_listener_inode(line, port)) inodes.push_back(std::move(*inode));
    }
  }
  return inodes;
}

std::vector<std::string> unix_inodes(const std::string& path) {
  std::vector<std::string> inodes;
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);) {
    if (auto inode = unix_listener_inode(line, path)) inodes.push_back(std::move(*inode));
  }
  return inodes;
}

bool has_one_open(const fs::path& process, const std::vector<std::string>& links) {
  std::error_code failure;
  for (fs::directory_iterator fd(process / "fd", failure), end; !failure && fd != end;
       fd.increment(failure)) {
    std::error_code closed_meanwhile;
    const std::string target = fs::read_symlink(fd->path(), closed_meanwhile).string();
    if (!target.empty() && std::find(links.begin(), links.end(), target) != links.end())
      return true;
  }
  return false;
}

int process_number(const fs::path& entry) {
  const std::string name = entry.filename().string();
  int pid = 0;
  const auto [stop, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return failure == std::errc() && stop == name.data() + name.size() ? pid : 0;
}

std::string command_name(const fs::path& process) {
  std::ifstream in(process / "comm");
  std::string name;
  std::getline(in, name);
  return escape(name);
}

}  // namespace

std::optional<port_holder> find_port_holder(const address& where) {
  std::vector<std::string> links =
      where.is_unix() ? unix_inodes(where.host()) : tcp_inodes(where.port());
  if (links.empty()) return std::nullopt;
  for (std::string& inode : links) inode = "socket:[" + inode + "]";

  std::error_code failure;
  for (fs::directory_iterator process("/proc", failure), end; !failure && process != end;
       process.increment(failure)) {
    const int pid = process_number(process->path());
    if (pid != 0 && has_one_open(process->path(), links)) {
      return port_holder{pid, command_name(process->path())};
    }
  }
  return std::nullopt;
}

}  // namespace cetane::os
