#include "agent/foresight/driver_examination.h"

#include <sys/sysmacros.h>

#include <utility>

#include "insight/drivers/needed_drivers.h"
#include "insight/machine/this_machine.h"

namespace cube {
namespace {

// "8:3"; none when the slot is a folder. What starts next starts from there.
Result<std::vector<std::string>> numbers_of(const RootDir& machine, const std::string& device) {
  if (device.empty()) return std::vector<std::string>();
  CUBE_TRY(const auto node, machine.stat(device));
  return std::vector<std::string>{std::to_string(major(node.st_rdev)) + ":" +
                                  std::to_string(minor(node.st_rdev))};
}

}  // namespace

Examination driver_examination(std::function<Result<std::string>(SlotId)> device_of) {
  const auto look =
      [device_of = std::move(device_of)](const Prospect& prospect) -> Result<insight::Findings> {
    if (!prospect.inventory) return insight::Findings{};
    CUBE_TRY(const auto device, device_of(prospect.slot));
    CUBE_TRY(const auto numbers, numbers_of(prospect.machine, device));
    CUBE_TRY(const auto machine, insight::this_machine(prospect.machine, numbers));
    const auto running = prospect.running.value_or(insight::Inventory{});
    return insight::driver_findings(machine, {prospect.tree, *prospect.inventory},
                                    {prospect.machine, running});
  };
  return {"root-driver", look};
}

}  // namespace cube
