#pragma once

#include <string>
#include <vector>

namespace cetane::os {

/// A program to be run in this process, and what it gets.
struct run_request {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<int> descriptors;  // become first_inherited and those behind it
};

/// For a child of fork_process(): runs a program instead of this one, with the standard streams and
/// the given descriptors, and no others. In each variable that ends in `own_pid` that is replaced
/// by this process's number.
///
/// @return Why not: a negative errno value. `what.descriptors` are then where they are by now.
int run_instead(run_request& what);

/// What stands for the number of the process in a variable.
inline constexpr const char* own_pid = "<pid>";

/// The words that this process was started with, the program's name first.
/// @return Empty if the system does not tell.
std::vector<std::string> own_arguments();

}  // namespace cetane::os
