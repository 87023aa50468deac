// The processors of a machine, as proc/cpuinfo names them, and the level of x86-64 they have.
// A foreign text, pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "insight/inventory/inventory.h"

namespace cube::insight {

inline constexpr std::size_t max_cpuinfo_bytes = 16 * 1024 * 1024;  // 4096 processors, and more

struct Processor {
  std::string vendor;     // "GenuineIntel"; "" where there is no such line
  Names flags;            // those that every processor has
  std::string microcode;  // revision of the first, "0x1"; "" where it is not told

  // Then the microcode is the host's matter.
  [[nodiscard]] bool is_virtual() const { return flags.count("hypervisor") != 0; }
};
[[nodiscard]] Processor parse_cpuinfo(std::string_view text);

// What a level of x86-64 needs and the processor lacks, as cpuinfo spells flags; levels 1 to 4.
[[nodiscard]] std::vector<std::string> lacking_for_level(int level, const Names& flags);
// "x86-64-v2"; "x86-64" of level 1.
[[nodiscard]] std::string level_name(int level);

// The level that a distribution builds for, by its etc/os-release: Enterprise Linux 9 has 2, 10 has
// 3. nullopt: it is none whose level is known.
[[nodiscard]] std::optional<int> level_of_distribution(std::string_view os_release);

}  // namespace cube::insight
