// Who this machine is in its cluster, by its configuration and its hardware.
#pragma once

#include <string>

#include "agent/config.h"
#include "agent/fleet/participant.h"
#include "base/root_dir.h"

namespace cube::fleet {

// Errors: invalid (no name that may be one: fleet.node, or etc/hostname), failed.
[[nodiscard]] Result<Member> member_of(const RootDir& root, const Config& config);

// What machines of the same build share: maker, model, and the controllers that disks hang from, as
// a name: "PowerEdge-R740-1f3a9c02". "": nothing is known, as on a folder. Read from
// sys/class/dmi/id and sys/bus/pci/devices.
[[nodiscard]] std::string hardware_of(const RootDir& root);

}  // namespace cube::fleet
