// What a trial's own systemd journal says: the last errors of one boot, read from the tree of the
// slot that failed.
//
// Foreign files: copied to run/cube-update before they are read, at most max_journal_files, the
// newest, and max_journal_bytes of them; read are at most max_journal_entries entries for a few
// seconds, told the last max_journal_lines, each printable ASCII of at most max_line bytes
// (diagnosis.h). A file that is damaged is left out, or tells as much as can be read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

inline constexpr std::size_t max_journal_files = 16;
inline constexpr std::size_t max_journal_bytes = 64 * 1024 * 1024;
inline constexpr std::size_t max_journal_entries = 5000;
inline constexpr std::size_t max_journal_lines = 12;

struct JournalQuery {
  std::string boot;  // a boot id; "": the last boot in the files, if it is not older than `since`
  UnixSeconds since = 0;  // when the update began
};

// Entries of priority err and above below var/log/journal of `tree`, the oldest first, as
// "program: message". Empty without a journal, or when it knows nothing of that boot. `root`: for
// the copies; the lock is held. Errors: no_space, failed.
[[nodiscard]] Result<std::vector<std::string>> journal_errors(const RootDir& tree,
                                                              const JournalQuery& query,
                                                              const RootDir& root);

}  // namespace cube
