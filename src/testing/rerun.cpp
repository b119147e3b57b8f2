// A test that is run again to learn from it, and not to be counted. The framework keeps no state
// aside that could be put back, and the body may change what it refers to; a child process has a
// copy of all that, and takes it along when it goes.
#include <testing/rerun.hpp>

#include <cetane/os/unique_fd.hpp>
#include <cetane/testing/world.hpp>

#include <array>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cetane::testing {
namespace {

// Of real time; more than any run takes that goes as the first one went.
constexpr unsigned child_seconds = 5;

std::vector<int> open_descriptors() {
  std::vector<int> found;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    found.push_back(std::stoi(each.path().filename().string()));
  }
  return found;
}

// What the child would write to, reports included, leads nowhere from now on.
void fall_silent(int besides) {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int descriptor : open_descriptors()) {
    if (descriptor == besides || descriptor == nowhere) continue;
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) == O_WRONLY) ::dup2(nowhere, descriptor);
  }
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
}

[[noreturn]] void be_child(int out, std::uint64_t seed, const fault_filter& with,
                           const std::function<task<>(world&)>& body) noexcept {
  ::alarm(child_seconds);
  fall_silent(out);
  failure_kind kind;
  {
    run_watch watch;
    world w(seed);
    watch.look_at(w);
    w.filter_faults(with);
    try {
      w.run(body);
      kind = watch.kind();
    } catch (...) {
      kind = watch.kind_of_current_exception();
    }
    // The world is not destroyed: the parent's has shown how that goes.
    std::string_view left = kind;
    while (!left.empty()) {
      const ssize_t count = ::write(out, left.data(), left.size());
      if (count < 0) break;
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    ::_exit(0);
  }
}

std::string all_of(int pipe) {
  std::string text;
  std::array<char, 512> piece;
  for (;;) {
    const ssize_t count = ::read(pipe, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

std::string end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return "unknown";
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : "the run crashed or hung";
}

}  // namespace

failure_kind rerun(std::uint64_t seed, const fault_filter& with,
                   const std::function<task<>(world&)>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  unique_fd in(ends[0]), out(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return "no process";
  if (child == 0) be_child(out.get(), seed, with, body);
  out.reset();
  failure_kind kind = all_of(in.get());
  const std::string crashed = end_of(child);
  return crashed.empty() ? kind : crashed;
}

}  // namespace cetane::testing
