// Inventory: what a release holds, as far as it decides whether machines work with it: packages,
// the kernel that boots, its options and modules, the initramfs, firmware, units, setuid files,
// sizes.
//
// Made of the tree when a release is composed, and part of the release from then on
// (docs/formats/inventory.md), so that it is signed with it. A value without paths of the machine
// that made it, without times: the same tree gives the same inventory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cube::insight {

using Entries = std::map<std::string, std::string>;
using Names = std::set<std::string>;

// What could not be read, and so may be missing from a part. The tree may hold more of it.
struct Unreadable {
  std::string part;  // as the parts are called in the file: "packages", "initramfs_modules"
  std::string why;   // one line, names the file

  bool operator==(const Unreadable&) const = default;
};

struct Inventory {
  std::string kernel;        // release of the kernel that boots, as `uname -r`; "" without any
  std::string initramfs;     // its image, "boot/initrd.img-6.1.0-42"; "" without any
  Names kernels;             // every release that has modules
  Entries arguments;         // of the kernel: file -> line
  Entries packages;          // "bash:amd64" (dpkg), "bash.x86_64" (rpm) -> version, "1 2" for both
  Entries options;           // of the kernel that boots: "CONFIG_XFS_FS" -> "m"
  Names built_in;            // modules that are in the kernel itself; '-' written as '_'
  Entries modules;           // name -> file below lib/modules/KERNEL, without .xz, .zst, .gz
  Entries aliases;           // module -> "43 0123456789abcdef": how many devices it names, digest
  Entries firmware;          // file below lib/firmware -> "SIZE DIGEST", or "-> TARGET" of a link
  Names initramfs_modules;   // as `built_in`
  Names initramfs_firmware;  // as `firmware`
  Names initramfs_tools;    // programs in it that find, check and mount a root: "lvm", "xfs_repair"
  Entries microcode;        // early, in the initramfs: "intel", "amd" -> "COUNT DIGEST"
  Entries module_versions;  // of modules that have one of their own
  Entries filesystems;      // that the kernel reads -> "built in", "in the initramfs", "module"
  Entries mkfs_features;    // of new filesystems: "mke2fs ext4.features" -> "has_journal,..."
  Names units;              // of systemd, those that are masked not
  Names enabled;            // units that another one wants or requires
  Entries setuid;           // file with the setuid or setgid bit -> mode, "4755"
  std::map<std::string, std::uint64_t> folders;  // "usr/lib" -> bytes of its files
  std::vector<Unreadable> unreadable;
  Names absent;  // parts that are later than the program that made it

  // False when something of that part could not be read, or nobody looked.
  [[nodiscard]] bool knows(const std::string& part) const;
  bool operator==(const Inventory&) const = default;
};

// A part that is a list, under its name in the file, with the most that it may have. All together
// stay below the 100,000 values that the project's reader of JSON takes.
template <typename List>
struct Part {
  const char* name;
  List Inventory::*list;
  std::size_t most;
  bool later = false;  // older inventories do not have it
};
// The numbers are twice and more of what Debian 12 and Enterprise Linux 9 have with everything.
inline constexpr std::array<Part<Entries>, 11> entry_parts{{
    {"aliases", &Inventory::aliases, 12000},
    {"arguments", &Inventory::arguments, 20},
    {"filesystems", &Inventory::filesystems, 200, true},
    {"firmware", &Inventory::firmware, 15000},
    {"microcode", &Inventory::microcode, 4, true},
    {"mkfs_features", &Inventory::mkfs_features, 50, true},
    {"module_versions", &Inventory::module_versions, 1500, true},
    {"modules", &Inventory::modules, 12000},
    {"options", &Inventory::options, 20000},
    {"packages", &Inventory::packages, 15000},
    {"setuid", &Inventory::setuid, 2000},
}};
inline constexpr std::array<Part<Names>, 7> name_parts{{
    {"built_in", &Inventory::built_in, 5000},
    {"enabled", &Inventory::enabled, 2000},
    {"initramfs_firmware", &Inventory::initramfs_firmware, 5000},
    {"initramfs_modules", &Inventory::initramfs_modules, 5000},
    {"initramfs_tools", &Inventory::initramfs_tools, 200, true},
    {"kernels", &Inventory::kernels, 50},
    {"units", &Inventory::units, 4000},
}};
inline constexpr std::size_t max_folders = 500;
inline constexpr std::size_t max_unreadable = 200;
inline constexpr std::size_t max_text = 1024;                   // bytes of a name or value
inline constexpr std::size_t max_part_bytes = 2 * 1024 * 1024;  // as JSON
inline constexpr std::size_t max_inventory_bytes = 32 * 1024 * 1024;

// Where it is in a release, and in a slot.
inline constexpr const char* inventory_path = "usr/lib/cube-update/inventory.json";

// The file's text, one line. The same inventory gives the same bytes.
[[nodiscard]] std::string inventory_text(const Inventory& inventory);
// Members that it does not know are passed over. Errors: corrupt (no inventory, of a later format,
// too large, control characters).
[[nodiscard]] Result<Inventory> read_inventory(std::string_view text);

// Text of a tree as it may stand in a file and on a terminal: UTF-8 without control characters.
// Each byte that is none becomes "\xNN"; what is longer than max_text is cut, and ends with "...".
[[nodiscard]] std::string readable(std::string_view text);

}  // namespace cube::insight
