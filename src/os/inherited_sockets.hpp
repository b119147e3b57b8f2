#pragma once

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Sockets that a program is given by who starts it: a service manager, or an earlier run of the
/// program itself. The protocol is that of sd_listen_fds(3): the sockets are the descriptors from 3
/// on, LISTEN_FDS says how many, LISTEN_PID for whom, LISTEN_FDNAMES what they are called.
namespace cetane::os {

/// The first of them: SD_LISTEN_FDS_START.
inline constexpr int first_inherited = 3;

struct inherited_socket {
  unique_fd fd;
  std::string name;             // what the giver calls it; "unknown" if nothing
  address bound;                // where it is, if it can be used
  bool datagrams = false;       // else it listens for connections
  bool file_is_ours = false;    // this program removes the file of the Unix socket
  std::string_view unfit = {};  // why it cannot be used: "it is no socket"; empty if it can
};

struct inheritance {
  std::vector<inherited_socket> sockets;
  /// Connected with the run of this program whose place this one takes; no descriptor if there is
  /// none.
  unique_fd predecessor;
};

/// Takes what the environment says was given to this process, and removes the variables, so that no
/// child believes that it was given to it.
///
/// Makes the descriptors non-blocking and closed on exec. For the start of a program: no other
/// thread reads the environment meanwhile.
/// @throws error  The variables cannot be understood, or a descriptor that they name is not open.
inheritance take_inheritance();

/// What the variables say; null stands for one that is not set.
struct listen_variables {
  const char* pid = nullptr;
  const char* count = nullptr;
  const char* names = nullptr;
};

/// The names of the sockets that are for the process `own_pid`: as many as there are sockets.
/// @throws error  As take_inheritance().
std::vector<std::string> read_listen_variables(const listen_variables& said, int own_pid);

/// What another run of this program wrote into CETANE_PREDECESSOR: "8:3,5" is a link on descriptor
/// 8, and that the files of the sockets 3 and 5 are to be removed by this one.
struct predecessor_note {
  int link = -1;
  std::vector<int> own_files;
};
/// @throws error  It is none.
predecessor_note read_predecessor_note(std::string_view text);
std::string to_string(const predecessor_note& note);

/// A name as LISTEN_FDNAMES can carry it: printable ASCII without a colon, 255 bytes at most.
std::string descriptor_name(std::string_view name);

}  // namespace cetane::os
