// Lines of the tables in /proc/net, in which the paths of Unix sockets are anybody's choice.
#include <fuzz/fuzz.hpp>

#include <os/socket_table.hpp>

#include <algorithm>

namespace cetane::fuzz::socket_table_target {

// As the kernel writes them.
void check_written(std::uint16_t port, const std::string& path) {
  const std::string tcp = fmt::format(
      "   3: 0100007F:{:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 4711 1 "
      "0000000000000000 100 0 0 10 0",
      port);
  require_equal(os::tcp_listener_inode(tcp, port).value_or(""), "4711", "a listener is found");
  require(!os::tcp_listener_inode(tcp, static_cast<std::uint16_t>(port + 1)),
          "another port is another socket");
  if (path.empty() || path.find('\n') != std::string::npos) return;
  const std::string unix_line = "0000000000000000: 00000002 00000000 00010000 0001 01 4712 " + path;
  require_equal(os::unix_listener_inode(unix_line, path).value_or(""), "4712",
                "a listener is found");
}

bool is_word_of(const std::string& line, const std::string& word) {
  return !word.empty() && line.find(word) != std::string::npos &&
         word.find_first_of(" \t\n\v\f\r") == std::string::npos;
}

const target here("socket_table", [](input in) {
  const auto port = static_cast<std::uint16_t>(in.number(65535));
  const std::string path(in.text(in.number(20)));
  const std::string line(in.rest());
  check_written(port, path);
  if (const auto inode = os::tcp_listener_inode(line, port))
    require(is_word_of(line, *inode), "an inode is a word of the line");
  if (const auto inode = os::unix_listener_inode(line, path)) {
    require(is_word_of(line, *inode), "an inode is a word of the line");
    require(line.ends_with(path), "the path is the end of the line");
  }
});

}  // namespace cetane::fuzz::socket_table_target
