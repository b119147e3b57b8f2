#include "os/port_holder.hpp"

#include <cetane/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

// Two steps: /proc/net says which socket, by its inode, listens there; the links in /proc/PID/fd
// say who has it open.

namespace cetane::os {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

// A line of /proc/net/tcp: "0: 0100007F:1F4D 00000000:0000 0A ... inode ..."; the port is in hex.
std::optional<std::string> listening_inode(const std::string& line, std::uint16_t port) {
  constexpr std::size_t local_column = 1;
  constexpr std::size_t state_column = 3;
  constexpr std::size_t inode_column = 9;
  constexpr std::string_view listening = "0A";  // TCP_LISTEN
  const auto words = words_of(line);
  if (words.size() <= inode_column || words[state_column] != listening) return std::nullopt;

  const std::string& local = words[local_column];
  const std::size_t colon = local.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  unsigned found = 0;
  std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
  if (found != port) return std::nullopt;
  return words[inode_column];
}

std::vector<std::string> tcp_inodes(std::uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    for (std::string line; std::getline(in, line);) {
      if (auto inode = listening_inode(line, port)) inodes.push_back(std::move(*inode));
    }
  }
  return inodes;
}

// A line of /proc/net/unix: "address: refs protocol flags type state inode path"; accepted sockets
// have the path, too.
std::vector<std::string> unix_inodes(const std::string& path) {
  constexpr std::size_t flags_column = 3;
  constexpr std::size_t inode_column = 6;
  constexpr std::string_view listening = "00010000";  // __SO_ACCEPTCON
  std::vector<std::string> inodes;
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);) {
    if (!line.ends_with(" " + path)) continue;
    const auto words = words_of(line);
    if (words.size() > inode_column && words[flags_column] == listening) {
      inodes.push_back(words[inode_column]);
    }
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
