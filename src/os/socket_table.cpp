#include "os/socket_table.hpp"

#include <charconv>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace cetane::os {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

}  // namespace

// "0: 0100007F:1F4D 00000000:0000 0A ... inode ..."; the port is in hex.
std::optional<std::string> tcp_listener_inode(const std::string& line, std::uint16_t port) {
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

// "address: refs protocol flags type state inode path"; accepted sockets have the path, too.
std::optional<std::string> unix_listener_inode(const std::string& line, const std::string& path) {
  constexpr std::size_t flags_column = 3;
  constexpr std::size_t inode_column = 6;
  constexpr std::string_view listening = "00010000";  // __SO_ACCEPTCON
  if (!line.ends_with(" " + path)) return std::nullopt;
  const auto words = words_of(line);
  if (words.size() <= inode_column || words[flags_column] != listening) return std::nullopt;
  return words[inode_column];
}

}  // namespace cetane::os
