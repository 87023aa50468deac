// Runs one hook: no shell, its own process group and cgroup, no terminal, bounded in time and
// output. What it started and left behind dies with it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/hooks/hook_folder.h"

namespace cube {

inline constexpr std::size_t max_hook_detail = 120;  // bytes

struct HookRun {
  std::string name;
  bool passed = false;
  std::string
      detail;  // one line, at most max_hook_detail bytes: the last it said, or why it failed
};

// `variables` ("NAME=value") come to PATH and LC_ALL, and nothing else does. A hook with a defect
// is not run and has failed. The last lines of one that fails go to the log.
[[nodiscard]] HookRun run_hook(const RootDir& root, const Hook& hook, std::chrono::seconds timeout,
                               const std::vector<std::string>& variables);

// All hooks of an occasion, one after the other, whatever comes of them; none is begun once `total`
// is over. Errors: as hooks_in.
[[nodiscard]] Result<std::vector<HookRun>> run_hooks(const RootDir& root,
                                                     const std::string& occasion,
                                                     std::chrono::seconds timeout,
                                                     std::chrono::seconds total,
                                                     const std::vector<std::string>& variables);

// "NAME: detail; NAME: detail" of those that failed; "": none did.
[[nodiscard]] std::string failures_of(const std::vector<HookRun>& runs);

// The last line that says something, safe for a terminal.
[[nodiscard]] std::string last_line(const std::string& output);

}  // namespace cube
