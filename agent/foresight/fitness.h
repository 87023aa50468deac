// Fitness: the examinations of a release in a slot that are not of drivers: the filesystem it lies
// on, the arguments and processors it meets, the room that its start needs, the way back, and what
// Secure Boot lets start. What is judged and how stands in insight/; here the facts are gathered.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/foresight/local_foresight.h"
#include "model/boot_state.h"
#include "model/seal.h"

namespace cube {

struct FitnessPorts {
  std::string loader;  // as Appliance::loader()
  std::string esp;     // where the EFI system partition is mounted, below the root
  // The slot's block device, below the root; "": it is a folder.
  std::function<Result<std::string>(SlotId)> device_of;
  std::function<Result<MountedSlot>(SlotId)> look_into;
  std::function<Result<BootState>()> records;
  std::function<Result<std::optional<Seal>>(SlotId)> seal_of;
};

// In this order: root-filesystem, loader-filesystem, cpu-level, microcode, kernel-argument,
// fallback, secure-boot, space. They read, and change nothing; an initramfs is expanded into a
// nameless file in var/tmp when the root's layers or the arguments make it necessary.
[[nodiscard]] std::vector<Examination> fitness_examinations(FitnessPorts ports);

}  // namespace cube
