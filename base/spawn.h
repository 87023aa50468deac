// Runs one program: an argument vector, never a shell; bounded in time and output.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace cube {

struct SpawnOptions {
  std::chrono::seconds timeout{60};
  std::size_t max_output = 64 * 1024;  // bytes of stdout and stderr together that are kept
  std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  bool contained = false;  // in a cgroup of its own, where one may be made (base/cgroup.h)
  bool keep_end = false;   // of too much output the end is kept, not the beginning
};

struct SpawnOutcome {
  int exit_code = -1;      // 128 + signal when killed by one
  bool timed_out = false;  // the program and its process group were killed
  std::string output;      // stdout and stderr as they came; cut at max_output
};

// argv[0] is a path or a name found in the PATH of `options.environment`. The program gets its own
// process group, /dev/null as standard input and no other inherited descriptor. When it ends or the
// time is up, everything left of its process group is killed, and of its cgroup, if it has one: so
// are grandchildren that left the group and the session.
// Errors: not_found, failed (it could not be started). A non-zero exit is an outcome, no error.
Result<SpawnOutcome> spawn(const std::vector<std::string>& argv, const SpawnOptions& options = {});

}  // namespace cube
