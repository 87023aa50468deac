// Which boot loader this machine has: what the configuration says, or what the facts say, as long
// as they agree. Nobody guesses: an update armed in another loader's records is a trial that never
// runs.
#pragma once

#include <memory>
#include <string>

#include "agent/config.h"
#include "base/root_dir.h"
#include "boot/boot_control.h"
#include "boot/kernel_source.h"

namespace cube {

struct ChosenLoader {
  // "grub", "systemd-boot", "uefi", "u-boot" (never chosen by auto), or "unknown"
  std::string name;
  std::unique_ptr<BootControl> control;
};

// Always a control: where the facts disagree, each of its calls fails with cannot_arm and says what
// to do. `root` and `kernels` outlive it.
[[nodiscard]] ChosenLoader choose_loader(const RootDir& root, const Config& config,
                                         const KernelSource& kernels);

}  // namespace cube
