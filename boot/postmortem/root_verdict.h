// Why the root could not be had: driver, disk, name, file system or init?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boot/postmortem/boot_story.h"
#include "boot/postmortem/diagnosis.h"

namespace cube {

struct Finding {
  Stage stage = Stage::none;
  Confidence confidence = Confidence::low;
  std::string cause;
  std::vector<Sign> signs;             // whose lines are the evidence, the most telling first
  std::vector<std::string> more = {};  // lines that are no signs
  std::string module = {};
};

// Nothing when no sign says that the way to the root's init was barred.
[[nodiscard]] std::optional<Finding> judge_start(const BootStory& boot);
// The same from drivers and disks alone, for a boot that says only that it has no root.
[[nodiscard]] Finding judge_root_device(const BootStory& boot);

// "the root LABEL=cube-b", or "the root" when nobody named it.
[[nodiscard]] std::string root_name(const BootStory& boot);

}  // namespace cube
