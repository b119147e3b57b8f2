#include <os/run_again.hpp>

#include <os/inherited_sockets.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cetane::os {
namespace {

// First all out of the way, then each to its place, where it is not closed on exec any more.
int put_in_place(std::vector<int>& descriptors) noexcept {
  const int end = first_inherited + static_cast<int>(descriptors.size());
  for (int& each : descriptors) {
    const int moved = ::fcntl(each, F_DUPFD_CLOEXEC, end);
    if (moved < 0) return -errno;
    each = moved;
  }
  int place = first_inherited;
  for (int& each : descriptors) {
    if (::dup2(each, place) < 0) return -errno;
    each = place++;
  }
#ifdef SYS_close_range
  // Linux 5.9 and later. Before, what the program itself has opened without O_CLOEXEC stays.
  ::syscall(SYS_close_range, static_cast<unsigned>(end), ~0U, 0U);
#endif
  return 0;
}

void fill_in_pid(std::vector<std::string>& environment) {
  const std::string_view mark = own_pid;
  const std::string pid = std::to_string(::getpid());
  for (std::string& each : environment) {
    if (each.ends_with(mark)) each.replace(each.size() - mark.size(), mark.size(), pid);
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  std::transform(texts.begin(), texts.end(), std::back_inserter(all),
                 [](std::string& text) { return text.data(); });
  all.push_back(nullptr);
  return all;
}

}  // namespace

int run_instead(run_request& what) {
  fill_in_pid(what.environment);
  const std::vector<char*> words = pointers(what.arguments);
  const std::vector<char*> variables = pointers(what.environment);
  if (const int failed = put_in_place(what.descriptors); failed < 0) return failed;
  std::signal(SIGPIPE, SIG_DFL);  // exec would hand it on as ignored
  ::execve(what.program.c_str(), words.data(), variables.data());
  return -errno;
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> all;
  for (std::string each; std::getline(file, each, '\0');) all.push_back(each);
  return all;
}

}  // namespace cetane::os
