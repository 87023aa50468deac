// VirtualExamination: the virtual boot as one of the examinations before a trial.
#pragma once

#include <functional>
#include <string>

#include "agent/foresight/local_foresight.h"
#include "agent/virtual_boot/virtual_boot_record.h"

namespace cube {

class VirtualExamination {
 public:
  // Errors: unsuitable (the slot is a folder), cannot_arm, failed.
  using DeviceOf = std::function<Result<std::string>(SlotId)>;

  // `root` outlives it.
  VirtualExamination(const RootDir& root, VirtualPolicy policy, VirtualBootLimits limits,
                     DeviceOf device_of)
      : root_(root), policy_(policy), limits_(limits), device_of_(std::move(device_of)) {}

  // Somebody asks for it: boot, whatever the policy is and what is known already.
  void demand() { demanded_ = true; }

  // None when the policy is off and nobody demands it. A boot of the same release that was judged
  // before counts, and is not repeated. Errors: cancelled, bug.
  [[nodiscard]] Result<insight::Findings> look(const Prospect& prospect) const;

 private:
  [[nodiscard]] Result<VirtualBootRun> boot(const Prospect& prospect) const;

  const RootDir& root_;
  VirtualPolicy policy_;
  VirtualBootLimits limits_;
  DeviceOf device_of_;
  bool demanded_ = false;
};

}  // namespace cube
