#pragma once

#include <app/command_line.hpp>

#include <cetane/backend/make_backend.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace cetane::detail {

/// Where services listen that are told nothing.
inline constexpr const char* default_host = "127.0.0.1";

/// The options that every application has. Empty is what the user has not said.
class standard_options {
 public:
  /// Adds them to `line`, notes there what is wrong with them, and sets the log level. A program
  /// that has no command line has only those that are not about serving.
  explicit standard_options(command_line& line);

  std::optional<std::string> host;
  std::optional<std::uint16_t> port;
  std::optional<std::string> uds;
  std::optional<backend_choice> backend;
  std::optional<duration> drain;
  std::optional<std::size_t> workers;
  std::optional<std::size_t> processes;
  std::optional<std::uint64_t> max_requests;

 private:
  void read_place(command_line& line);
  void read_backend(command_line& line);
  void read_workers(command_line& line);
  void read_processes(command_line& line);
  static void read_log_level(command_line& line);
  void read_drain(command_line& line);
};

/// What the options are when the user gives none.
struct program_defaults {
  std::string host = default_host;
  bool serves = true;
  backend_choice backend = default_backend;
  duration drain = default_drain;
  std::size_t workers = 1;
};

/// Has the help text say what the program takes. One that does not serve has no place for it.
void show_defaults(command_line& line, const program_defaults& program);

/// The port that an option gives, if it does; notes in `line` when it is none.
std::optional<std::uint16_t> read_port(command_line& line, const option& from);

}  // namespace cetane::detail
