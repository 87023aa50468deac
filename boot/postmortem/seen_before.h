// SeenBefore: what was already there when a trial was armed, in places that the agent cannot empty:
// records that systemd-pstore archived, and the boots that left marks. None of it is ever blamed on
// the release that was armed. A file of words in the state folder, replaced whole; no clock is
// asked.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "boot/postmortem/pstore_archive.h"
#include "boot/postmortem/trial_marks.h"

namespace cube {

class SeenBefore {
 public:
  // `path`: of the file. A missing or damaged file means that everything may be old: then nothing
  // is new.
  SeenBefore(const RootDir& root, const std::string& path);

  [[nodiscard]] std::vector<ArchivedRecord> unseen(
      Result<std::vector<ArchivedRecord>> archived) const;
  [[nodiscard]] std::vector<Mark> unseen(std::vector<Mark> marks) const;

  // Writes down that all this has been seen. What could not be read may be old and counts as seen,
  // until the next writing. Errors: no_space, failed.
  static Status write(const RootDir& root, const std::string& path,
                      const Result<std::vector<ArchivedRecord>>& archived,
                      const Result<std::vector<Mark>>& marks);

 private:
  std::set<std::string, std::less<>> words_;
};

}  // namespace cube
