// SlotPair: where the two slots are, and which of them runs.
//
// A slot is named by LABEL=..., by a device path, or, for an appliance laid out in a folder, by
// dir:FOLDER. Which one is booted is told by device number (folders: by device and inode) of the
// root filesystem, never by a name. Two names for one thing are refused.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/slot_id.h"
#include "slots/etc_rules.h"

namespace cube {

struct SlotsConfig {
  std::string a = "LABEL=cube-a";
  std::string b = "LABEL=cube-b";
  std::vector<std::string> carry_over;  // paths below "/" that a new slot takes from the booted one
  bool merge_etc = true;                // what this machine changed in /etc goes along, too
  EtcSide etc_conflicts = EtcSide::local;  // who wins
};

// One slot, resolved.
struct SlotPlace {
  bool is_folder = false;
  std::string path;  // of the device node or the folder, below the root
};

class SlotPair {
 public:
  // `root` outlives it.
  SlotPair(const RootDir& root, const SlotsConfig& config) : root_(root), config_(config) {}

  // Errors: cannot_arm (a label on no device or on two, the slots are one device, a device is
  // missing), failed.
  [[nodiscard]] Result<SlotPlace> place(SlotId slot) const;
  // Errors: cannot_arm (neither slot, or both), failed.
  [[nodiscard]] Result<SlotId> booted() const;

 private:
  [[nodiscard]] Result<SlotPlace> resolve(const std::string& name) const;

  const RootDir& root_;
  const SlotsConfig& config_;
};

}  // namespace cube
