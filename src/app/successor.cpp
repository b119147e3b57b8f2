#include <app/successor.hpp>

#include <os/inherited_sockets.hpp>
#include <os/run_again.hpp>
#include <os/socket.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace cetane::detail {
namespace {

namespace files = std::filesystem;

constexpr int status_of_no_program = 127;  // as a shell has it

const log::logger restart_log("restart");

// Where a shell would have found it.
files::path search_path(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? std::string_view() : path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    const files::path found = files::path(folder) / name;
    if (::access(found.c_str(), X_OK) == 0) return found;
  }
  return {};
}

bool is_passed_on(std::string_view variable) {
  for (const std::string_view own : {"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
                                     "LISTEN_PIDFDID=", "CETANE_PREDECESSOR="}) {
    if (variable.starts_with(own)) return false;
  }
  return true;
}

std::vector<std::string> environment_for(const std::vector<successor::socket>& sockets,
                                         const os::service_manager& manager) {
  std::vector<std::string> all = manager.variables_for(os::own_pid);
  for (char** each = ::environ; *each != nullptr; ++each) {
    if (is_passed_on(*each)) all.emplace_back(*each);
  }
  os::predecessor_note note;
  std::string names;
  int place = os::first_inherited;
  for (const successor::socket& one : sockets) {
    if (one.removes_file) note.own_files.push_back(place);
    if (place++ > os::first_inherited) names += ':';
    names += os::descriptor_name(one.name);
  }
  note.link = place;
  all.push_back(fmt::format("LISTEN_PID={}", os::own_pid));
  all.push_back(fmt::format("LISTEN_FDS={}", sockets.size()));
  all.push_back("LISTEN_FDNAMES=" + names);
  all.push_back("CETANE_PREDECESSOR=" + os::to_string(note));
  return all;
}

// The link is the last of the descriptors.
int run_or_say_why_not(os::run_request& what) {
  const int failed = os::run_instead(what);
  char word[1 + sizeof failed] = {successor_cannot_run};
  std::memcpy(word + 1, &failed, sizeof failed);
  // Who reads it sees the end of this process, too.
  [[maybe_unused]] const ssize_t ignored = ::write(what.descriptors.back(), word, sizeof word);
  return status_of_no_program;
}

child_process start(const std::string& program, const std::vector<successor::socket>& sockets,
                    const os::service_manager& manager, unique_fd& link) {
  if (program.empty())
    throw error(error::whole_text("the system does not tell which file this program runs from"),
                system_code(ENOENT));
  os::run_request what;
  what.program = program;
  what.arguments = os::own_arguments();
  if (what.arguments.empty()) what.arguments.push_back(program);
  what.environment = environment_for(sockets, manager);
  unique_fd its_end;
  if (const int failed = os::make_pipe(link, its_end); failed < 0)
    throw error("start a new process (pipe)", system_code(failed));
  std::transform(sockets.begin(), sockets.end(), std::back_inserter(what.descriptors),
                 [](const successor::socket& one) { return one.fd; });
  what.descriptors.push_back(its_end.get());
  fork_options options;
  options.kept = what.descriptors;
  return fork_process([&] { return run_or_say_why_not(what); }, options);
}

}  // namespace

// The name is the program's own word for itself, and it may be any.
std::string find_own_program() {
  std::error_code failed;
  const files::path runs = files::read_symlink("/proc/self/exe", failed);
  const std::vector<std::string> words = os::own_arguments();
  if (failed || words.empty()) return {};
  const bool searched = words[0].find('/') == std::string::npos;
  files::path named = searched ? search_path(words[0]) : files::path(words[0]);
  if (!named.empty()) named = files::absolute(named, failed);
  const bool same = !failed && !named.empty() && files::equivalent(named, runs, failed);
  return same ? named.string() : runs.string();
}

successor::successor(const std::string& program, const std::vector<socket>& sockets,
                     const os::service_manager& manager, duration limit)
    : program_(program),
      limit_(limit),
      process_(start(program, sockets, manager, link_)),
      deadline_(deadline_after(std::chrono::steady_clock::now(), limit)) {
  restart_log.info("process {} starts, to take this one's place", process_.pid());
}

successor::~successor() {
  if (state_ != state::starting) return;
  process_.signal(SIGKILL);
  process_.wait();
}

// The link first: what has served and ended has served.
successor::state successor::look(time_point now) {
  if (state_ != state::starting) return state_;
  if (hear() && !told_to_end_) return state_ = state::serves;
  if (const auto status = process_.try_wait()) {
    restart_log.error("process {} {} before it served; this one goes on", process_.pid(),
                      status->to_string());
    return state_ = state::failed;
  }
  if (now >= deadline_) run_out_of_time(now);
  return state_;
}

bool successor::hear() {
  char word[1 + sizeof(int)] = {};
  ssize_t count = 0;
  do {
    count = ::read(link_.get(), word, sizeof word);
  } while (count < 0 && errno == EINTR);
  if (count == 0) link_open_ = false;
  if (count <= 0) return false;
  if (word[0] == successor_cannot_run && count == sizeof word) {
    int why = 0;
    std::memcpy(&why, word + 1, sizeof why);
    restart_log.error("cannot run {}: {}", escape(program_), reason_text(system_code(why)));
  }
  return word[0] == successor_serves;
}

void successor::run_out_of_time(time_point now) {
  if (!told_to_end_) {
    restart_log.error("process {} does not serve after {}; it is ended", process_.pid(),
                      duration_text(limit_));
  }
  process_.signal(told_to_end_ ? SIGKILL : SIGTERM);
  told_to_end_ = true;
  deadline_ = deadline_after(now, successor_end_limit);
}

}  // namespace cetane::detail
