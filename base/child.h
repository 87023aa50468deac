// Starts a program that runs beside this one, and does not wait for it: the counterpart of
// base/spawn.h for whoever has a loop. Never a shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

struct Child {
  pid_t pid = -1;
  Fd output;  // what it writes to standard output; not blocking
};

// The descriptor under which a child finds what it is handed.
inline constexpr int handed_descriptor = 3;

// argv[0] is a path. The child has /dev/null as standard input, this process's standard error,
// `handed`, if it is valid, as descriptor 3, and nothing else that is open here; a process group of
// its own; no blocked signal; this process's environment without what systemd put there for this
// process alone (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*). When the thread that started it ends,
// however that comes, the child gets SIGTERM. Errors: failed. That the program does not exist is
// exit code 127.
[[nodiscard]] Result<Child> start_child(const std::vector<std::string>& argv, const Fd& handed);

}  // namespace cube
