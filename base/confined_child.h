// Starts a program that is not to be trusted with anything but what it is handed, and does not wait
// for it. Never a shell.
//
// As root, it runs as nobody: no user, no group but `group`, no capability, and no network
// namespace but an empty one. Always: it yields to others at processor and disk, and is the first
// that the kernel kills when memory runs out; no new privileges, no core dump. It dies with the
// thread that started it, by SIGKILL, however that one ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cgroup.h"
#include "base/fd.h"
#include "base/result.h"

namespace cube {

// The first descriptor of what is handed; the others follow it.
inline constexpr int first_handed = 3;

struct Confinement {
  std::vector<int> handed;         // descriptors: 3, 4, ... in the program; all others are closed
  std::optional<gid_t> group;      // a further group, as that of a device it may open
  std::uint64_t max_memory = 0;    // bytes of address space; 0: no limit
  const Cgroup* cgroup = nullptr;  // to run in
};

struct ConfinedChild {
  pid_t pid = -1;
  Fd output;  // what it writes to standard output and standard error; not blocking
};

// argv[0] is a path. /dev/null is its standard input; its environment has PATH, LC_ALL and nothing
// else. Errors: not_found, failed (it could not be started, or not be confined).
[[nodiscard]] Result<ConfinedChild> start_confined(const std::vector<std::string>& argv,
                                                   const Confinement& confinement);

}  // namespace cube
