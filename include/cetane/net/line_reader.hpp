#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace cetane {

/// Reads lines from a descriptor: a terminal, a pipe, a regular file.
///
/// `line_reader in(STDIN_FILENO); while (auto line = co_await in.next_line()) ...`
///
/// The descriptor stays the caller's, with its flags as they are: a standard input that were set to
/// O_NONBLOCK would be so for all processes that share it. It is read only when there is something
/// to read; so no other process may read from it at the same time, or the loop waits with the
/// reader. Regular files are read on the loop's thread.
class CETANE_API line_reader {
 public:
  /// @param limit  Longest line accepted, in bytes, line end included.
  explicit line_reader(int descriptor, std::size_t limit = default_line_limit) noexcept
      : descriptor_(descriptor), limit_(limit) {}
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  /// Reads a line and gives it without its line end, LF or CR and LF; empty at the end of the
  /// input. A last line without an end counts.
  ///
  /// Suspends until a whole line is there.
  /// @throws message_too_long  The limit is passed; the rest of the line is dropped as it arrives.
  /// @throws error             The descriptor cannot be read.
  /// @throws std::logic_error  Another task reads from here, or the network is simulated.
  /// @par Cancellation  Nothing is lost: what has arrived of the line stays for the next call.
  task<std::optional<std::string>> next_line();

 private:
  std::optional<std::string> take_line();
  std::optional<std::string> take_last();
  void read_some();
  [[noreturn]] void throw_too_long() const;

  const int descriptor_;
  const std::size_t limit_;
  std::string bytes_;         // what was read
  std::size_t begin_ = 0;     // of what nobody has taken
  std::size_t searched_ = 0;  // up to here there is no line end
  bool dropping_ = false;     // the line was too long: its rest goes
  bool ended_ = false;
  bool busy_ = false;
};

}  // namespace cetane
