// RunningDrift: what is not as the release brought it, in the slot that runs: files, packages, the
// kernel. "The previous slot" is what was tested only as long as there is none.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "insight/difference/difference.h"
#include "slots/ostree/ostree_slot_store.h"

namespace cube {

inline constexpr std::size_t max_drift_packages = 1000;

struct RunningDrift {
  std::string release;  // that the slot's seal names
  bool full = false;    // every file was read
  Drift files;
  std::vector<insight::Change> packages;  // dpkg's: `from` the release's version, `to` that of here
  std::uint64_t packages_count = 0;       // of these the first max_drift_packages are there
  std::string kernel, kernel_here;        // the release's and the running one's; "": not known
  std::vector<std::string> not_checked;   // sentences, those about files first

  [[nodiscard]] bool other_kernel() const;
  [[nodiscard]] bool any() const;
};

// Only reads. Errors: not_found (no seal), corrupt, cancelled, failed.
[[nodiscard]] Result<RunningDrift> running_drift(const RootDir& root, const OstreeSlotStore& slots,
                                                 bool full, const ProgressSink& progress);

[[nodiscard]] Json drift_json(const RunningDrift& drift);
// For people, with what to do.
[[nodiscard]] std::string drift_text(const RunningDrift& drift);
// One line: "3 files and 1 package are not as CUBE_... brought them: /usr/bin/x has other content".
[[nodiscard]] std::string drift_summary(const RunningDrift& drift);
inline constexpr const char* drift_remedy =
    "what has to stay belongs into the release; the next update begins with what its release "
    "brings (`cube-update status --drift` names all)";

}  // namespace cube
