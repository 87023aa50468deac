// Difference: what one release changes against another, what can hurt first.
//
// Pure, over two inventories. What is gone from a part is only told when the newer inventory knows
// that part; otherwise it says that it is not known. The words of Harm are stable: they are in
// `--json`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

// What can hurt, the worst first: machines that do not start, then hardware and services that are
// missing, then what opens a machine.
enum class Harm : std::uint8_t {
  not_known,                // a part of one inventory; `to` says why
  initramfs_gone,           // there is no image any more
  initramfs_driver_gone,    // neither in the image nor built in; `to`: "in the tree", "nowhere"
  initramfs_firmware_gone,  // from the image
  initramfs_tool_gone,      // a program that finds, checks or mounts a root
  microcode_gone,           // early microcode, from the image; the name is the vendor's
  module_gone,              // neither loadable nor built in
  module_fewer_devices,     // it names fewer devices; `from`, `to`: how many
  module_version_down,      // its own version, where it has one on both sides
  firmware_gone,
  firmware_changed,     // of a machine that uses it (machine_use.h); a Difference has its own list
  option_off,           // of the kernel: `from` is its value, `to` "n"
  module_not_built_in,  // now a loadable module
  unit_gone,
  unit_not_enabled,   // no other unit wants it any more
  arguments_changed,  // of the kernel
  mkfs_changed,       // new filesystems get other features
  setuid_new,         // `to`: the mode
  setuid_changed,     // `from`, `to`: the modes
};
[[nodiscard]] std::string_view word_for(Harm harm);      // "initramfs-driver-gone"
[[nodiscard]] std::string_view sentence_for(Harm harm);  // "drivers gone from the initramfs"

struct Change {
  std::string name;
  std::string from, to;  // "": not there on that side, or nothing to say

  bool operator==(const Change&) const = default;
};

struct Difference {
  std::string kernel_from, kernel_to;
  std::map<Harm, std::vector<Change>> harms;  // without empty lists; by name in each
  std::vector<Change> packages_removed, packages_added, packages_changed;
  std::vector<Change> firmware_changed;  // "SIZE DIGEST", or "-> TARGET"; nobody knows if it hurts
  std::vector<Change> added;             // modules, units: name -> kind; harmless
  struct Size {
    std::string folder;
    std::uint64_t from = 0, to = 0;  // bytes
  };
  std::vector<Size> folders;  // that differ, those that differ most first

  // Neither the kernel nor anything else that can hurt or that is a package.
  [[nodiscard]] bool empty() const;
};

[[nodiscard]] Difference difference(const Inventory& from, const Inventory& to);
[[nodiscard]] Json difference_json(const Difference& found);
// A list of {"harm", "name", "from", "to"}.
[[nodiscard]] Json harms_json(const std::map<Harm, std::vector<Change>>& harms);

}  // namespace cube::insight
