// Foresight: the port to "would this release work on this machine, and may it?", asked when it is
// in the slot, before anything of it runs.
#pragma once

#include <cstdint>

#include "base/progress.h"
#include "base/result.h"
#include "insight/finding.h"
#include "model/release.h"
#include "model/slot_id.h"

namespace cube {

class Foresight {
 public:
  virtual ~Foresight() = default;
  // Holds the release that fills `slot` against this machine and its rules. Of `release` at least
  // name and commit are known; "": not even these.
  // Changes nothing there. What cannot be told is a finding, too. Waivers are marked.
  // Errors: cancelled, corrupt (the slot cannot be read), failed.
  virtual Result<insight::Findings> look_ahead(SlotId slot, const Release& release,
                                               const ProgressSink& progress) = 0;
  // Keeps them for people, beside the attempt. Errors: no_space, failed.
  virtual Status keep(std::uint64_t attempt, const insight::Findings& findings) = 0;
  // Whether what refuses shall only be told.
  [[nodiscard]] virtual bool only_tells() const = 0;
};

}  // namespace cube
