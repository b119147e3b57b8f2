#pragma once

#include <os/service_manager.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/os/process.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace cetane::detail {

/// The file to start this program from once more: as it was started, so that a file put in its
/// place, or a link turned to another one, is taken. Asked at the start, while that file is still
/// the one that runs. Empty if the system does not tell.
std::string find_own_program();

/// How long one that was told to end may take.
inline constexpr duration successor_end_limit = std::chrono::seconds(5);
/// What a successor tells through its link: it serves; or, before an errno value, that there is no
/// such program.
inline constexpr char successor_serves = 'r';
inline constexpr char successor_cannot_run = 'x';

/// A process that runs this program once more, to take this one's place.
///
/// It gets the sockets that this one serves on as a service manager would give them (see
/// os/inherited_sockets.hpp), this one's arguments, environment, working directory, standard
/// streams and group, and no other descriptor. Until it says that it serves, it may fail in any
/// way, and nothing is lost. It says so through a pipe, its link.
class successor {
 public:
  struct socket {
    int fd;
    std::string name;
    bool removes_file;
  };

  /// @throws error  It cannot be started.
  successor(const std::string& program, const std::vector<socket>& sockets,
            const os::service_manager& manager, duration limit);
  successor(const successor&) = delete;
  successor& operator=(const successor&) = delete;
  /// Kills one that does not serve yet.
  ~successor();

  enum class state : std::uint8_t { starting, serves, failed };
  /// Looks how far it is, and ends it when its time is over. What happens is logged.
  state look(time_point now);
  /// When to look again at the latest; before that, when a descriptor is readable.
  time_point deadline() const noexcept { return deadline_; }
  int link() const noexcept { return link_.get(); }
  int pidfd() const noexcept { return process_.pidfd(); }
  int pid() const noexcept { return process_.pid(); }
  /// Whether the link may still say something.
  bool link_is_open() const noexcept { return link_open_; }

 private:
  bool hear();
  void run_out_of_time(time_point now);

  const std::string program_;
  const duration limit_;
  unique_fd link_;
  child_process process_;
  time_point deadline_;
  state state_ = state::starting;
  bool link_open_ = true;
  bool told_to_end_ = false;
};

}  // namespace cetane::detail
