// JobNote: what the service must still know when it was killed and is started again: the job that
// was under way. In run/cube-update, so that a reboot, after which others settle an update, forgets
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/bus/job.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct JobNote {
  std::uint32_t number = 0;  // of the last job that was begun; they count from 1 after each boot
  bool running = false;      // and it has not ended
  Method method{};
  std::vector<std::string> words;  // to begin it again; none: it cannot be
  std::uint64_t starts = 0;        // how often it was begun

  friend bool operator==(const JobNote&, const JobNote&) = default;
};

// How often a job is begun that does not let the service live.
inline constexpr std::uint64_t max_starts = 5;

// A note that is damaged or not there is an empty one: it is only about going on by itself.
[[nodiscard]] JobNote read_note(const RootDir& root);
// Errors: no_space, failed.
Status write_note(const RootDir& root, const JobNote& note);

// The number of the last rollback that was told, kept over reboots; 0: none.
[[nodiscard]] std::uint64_t told_rollback(const RootDir& root);
Status note_told_rollback(const RootDir& root, std::uint64_t attempt);

}  // namespace cube
