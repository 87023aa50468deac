#include "insight/difference/machine_use.h"

#include <algorithm>
#include <array>

#include "base/mutation.h"

namespace cube::insight {
namespace {

enum class Subject { module, firmware, part, other };

Subject subject_of(Harm harm) {
  switch (harm) {
    case Harm::not_known:
      return Subject::part;
    case Harm::initramfs_driver_gone:
    case Harm::module_gone:
    case Harm::module_fewer_devices:
    case Harm::module_not_built_in:
    case Harm::module_version_down:
      return Subject::module;
    case Harm::initramfs_firmware_gone:
    case Harm::firmware_gone:
    case Harm::firmware_changed:
      return Subject::firmware;
    default:
      return Subject::other;
  }
}

bool is_of_drivers(const std::string& part) {
  constexpr std::array<std::string_view, 6> parts{
      "aliases", "built_in", "firmware", "initramfs_firmware", "initramfs_modules", "modules"};
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

bool concerns(Subject subject, const std::string& name, const MachineUse& use) {
  switch (subject) {
    case Subject::module:
      return use.modules.count(name) != 0;
    case Subject::firmware:
      return use.firmware.count(name) != 0;
    case Subject::part:
      return is_of_drivers(name);
    case Subject::other:
      break;
  }
  return false;
}

}  // namespace

Here harms_here(const MachineUse& use, const Inventory& from, const Inventory& to,
                const Difference& found) {
  Here here{use.modules.size(), use.firmware.size(), use.why, {}};
  if (mutated("diff-ignores-machine")) return here;
  const auto take = [&](Harm harm, const std::vector<Change>& changes) {
    for (const auto& change : changes)
      if (concerns(subject_of(harm), change.name, use)) here.harms[harm].push_back(change);
  };
  for (const auto& [harm, changes] : found.harms) take(harm, changes);
  take(Harm::firmware_changed, found.firmware_changed);
  // A module that was never part of the release that runs.
  if (to.knows("modules") && to.knows("built_in"))
    for (const auto& name : use.modules)
      if (from.modules.count(name) == 0 && from.built_in.count(name) == 0 &&
          to.modules.count(name) == 0 && to.built_in.count(name) == 0)
        here.harms[Harm::module_gone].push_back({name, "not of a release", ""});
  return here;
}

Json here_json(const Here& here) {
  return Json::Object{{"known", here.why.empty()},
                      {"why", here.why},
                      {"modules", static_cast<std::uint64_t>(here.modules)},
                      {"firmware", static_cast<std::uint64_t>(here.firmware)},
                      {"harms", harms_json(here.harms)}};
}

}  // namespace cube::insight
