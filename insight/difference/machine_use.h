// What a machine uses right now of the release that runs, and what of it another release lacks or
// changes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "insight/difference/difference.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

struct MachineUse {
  Names modules;    // loaded, or built in and driving a device; as the kernel names them
  Names firmware;   // files below lib/firmware that these may load, as in an inventory
  std::string why;  // one line why some of it is not known; "": all is
};

// What concerns this machine. Pure.
struct Here {
  std::size_t modules = 0, firmware = 0;  // how many of each it uses
  std::string why;                        // as MachineUse::why
  // As in a Difference, but only of what the machine uses: modules that `to` does not have at all,
  // whether `from` names them or not; all other changes of its modules and firmware; and what of
  // these could not be compared.
  std::map<Harm, std::vector<Change>> harms;
};
[[nodiscard]] Here harms_here(const MachineUse& use, const Inventory& from, const Inventory& to,
                              const Difference& found);
// {"known": ..., "why": "", "modules": 40, "firmware": 3, "harms": [...]}
[[nodiscard]] Json here_json(const Here& here);

}  // namespace cube::insight
