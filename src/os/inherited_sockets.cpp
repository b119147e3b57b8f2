#include <os/inherited_sockets.hpp>

#include <os/given_variable.hpp>
#include <os/socket.hpp>
#include <os/socket_option.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cetane::os {
namespace {

constexpr const char* predecessor_variable = "CETANE_PREDECESSOR";
constexpr std::string_view no_name = "unknown";  // as sd_listen_fds_with_names(3) has it
constexpr std::size_t longest_name = 255;

constexpr std::string_view setter = "who starts the program, see sd_listen_fds(3)";

std::vector<std::string> split(std::string_view text, char between) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(between);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The value and the end of a variable.
std::optional<std::string> take_variable(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  std::string taken = text;
  ::unsetenv(name);
  return taken;
}

const char* text_or_null(const std::optional<std::string>& text) noexcept {
  return text ? text->c_str() : nullptr;
}

void make_ours(int fd, std::string_view name) {
  const int failed = result_of(::fcntl(fd, F_SETFD, FD_CLOEXEC));
  if (failed < 0) {
    throw error(fmt::format("take over the descriptor {} (\"{}\") that LISTEN_FDS tells of", fd,
                            escape(name)),
                system_code(failed));
  }
}

int option_of(int fd, int name) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  const int failed = result_of(::getsockopt(fd, SOL_SOCKET, name, &value, &length));
  return failed < 0 ? failed : value;
}

// Why it cannot be served on; empty if it can.
std::string_view look_at(inherited_socket& one) noexcept {
  const int fd = one.fd.get();
  const int type = option_of(fd, SO_TYPE);
  if (type < 0) return "it is no socket";
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return "it is neither a stream nor for datagrams";
  one.datagrams = type == SOCK_DGRAM;
  if (!one.datagrams && option_of(fd, SO_ACCEPTCONN) <= 0) return "it does not listen";
  if (local_address(fd, one.bound) < 0 || one.bound.family() == address_family::none)
    return "it is of a family that is not known here";
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return "it cannot be prepared";
  if (one.datagrams) {
    ask_for_losses(fd, one.bound.family());
  } else if (!one.bound.is_unix()) {
    keep_urgent_data(fd);
  }
  return {};
}

}  // namespace

std::vector<std::string> read_listen_variables(const listen_variables& said, int own_pid) {
  if (said.pid == nullptr || said.count == nullptr) return {};
  const std::optional<int> pid = read_number<int>(said.pid);
  if (!pid || *pid == 0) throw not_understood("LISTEN_PID", said.pid, "is no process", setter);
  if (*pid != own_pid) return {};
  const std::optional<int> count = read_number<int>(said.count);
  if (!count || *count > static_cast<int>(most_inherited_sockets)) {
    throw not_understood(
        "LISTEN_FDS", said.count,
        fmt::format("is no number of sockets, they go from 0 to {}", most_inherited_sockets),
        setter);
  }
  const auto size = static_cast<std::size_t>(*count);
  if (said.names == nullptr || size == 0)
    return std::vector<std::string>(size, std::string(no_name));
  std::vector<std::string> names = split(said.names, ':');
  if (names.size() != size) {
    throw not_understood("LISTEN_FDNAMES", said.names,
                         fmt::format("has {} name{} for {} socket{}", names.size(),
                                     names.size() == 1 ? "" : "s", size, size == 1 ? "" : "s"),
                         setter);
  }
  return names;
}

predecessor_note read_predecessor_note(std::string_view text) {
  const auto fail = [&] {
    return not_understood(predecessor_variable, text, "is no link to an earlier run",
                          "a program that starts itself once more at SIGUSR2");
  };
  const std::size_t colon = text.find(':');
  const std::optional<int> link = read_number<int>(text.substr(0, colon));
  if (!link || colon == text.npos) throw fail();
  predecessor_note note;
  note.link = *link;
  if (colon + 1 == text.size()) return note;
  for (const std::string& part : split(text.substr(colon + 1), ',')) {
    const std::optional<int> fd = read_number<int>(part);
    if (!fd) throw fail();
    note.own_files.push_back(*fd);
  }
  return note;
}

std::string to_string(const predecessor_note& note) {
  return fmt::format("{}:{}", note.link, fmt::join(note.own_files, ","));
}

std::string descriptor_name(std::string_view name) {
  if (name.empty()) return std::string(no_name);
  std::string text(name.substr(0, longest_name));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~' || c == ':'; }, '_');
  return text;
}

inheritance take_inheritance() {
  const auto pid = take_variable("LISTEN_PID");
  const auto count = take_variable("LISTEN_FDS");
  const auto names = take_variable("LISTEN_FDNAMES");
  ::unsetenv("LISTEN_PIDFDID");  // systemd 258 and later: the same process once more
  const auto note_text = take_variable(predecessor_variable);
  const std::vector<std::string> given = read_listen_variables(
      {text_or_null(pid), text_or_null(count), text_or_null(names)}, ::getpid());

  inheritance all;
  predecessor_note note;
  // Without a LISTEN_PID of ours it is a note to another process.
  if (note_text && pid && read_number<int>(*pid) == ::getpid())
    note = read_predecessor_note(*note_text);
  for (const std::string& name : given) {
    const int fd = first_inherited + static_cast<int>(all.sockets.size());
    make_ours(fd, name);
    inherited_socket& one = all.sockets.emplace_back();
    one.fd.reset(fd);
    one.name = name;
    one.unfit = look_at(one);
    const auto& own = note.own_files;
    one.file_is_ours = std::find(own.begin(), own.end(), fd) != own.end();
  }
  if (note.link >= 0) {
    make_ours(note.link, "the earlier run");
    all.predecessor.reset(note.link);
  }
  return all;
}

}  // namespace cetane::os
