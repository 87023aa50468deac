// network_chains: the machine's interfaces with what drives them, and those it is reached through.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "insight/machine/sysfs.h"
#include "insight/machine/this_machine.h"

namespace cube::insight {

// The loopback is not among them. Management are the interfaces `routed`, and all that they are
// made of; when no physical one is among those, every physical one: a machine may be reached
// through any of them.
[[nodiscard]] std::vector<Interface> network_chains(
    Sysfs& sysfs, const Names& routed, const std::map<std::string, LoadedModule>& modules);

}  // namespace cube::insight
