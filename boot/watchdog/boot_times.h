// BootTimes: how long this machine's restarts into a trial took, and what the next is given.
//
// A file of at most 8 numbers, the newest last. One that is damaged or not there is taken as empty.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// Of restarts that are known: twice the longest and two minutes, since memory tests, a file system
// check or a controller that looks for its disks come only now and then. At most 6553 s.
// `known` empty: 600 s.
[[nodiscard]] Seconds allowance_after(const std::vector<Seconds>& known);

class BootTimes {
 public:
  BootTimes(const RootDir& root, std::string path) : root_(root), path_(std::move(path)) {}
  [[nodiscard]] Seconds allowance() const;
  // Durable. Errors: failed, no_space.
  [[nodiscard]] Status add(Seconds seconds) const;

 private:
  [[nodiscard]] std::vector<Seconds> known() const;

  const RootDir& root_;
  std::string path_;
};

}  // namespace cube
