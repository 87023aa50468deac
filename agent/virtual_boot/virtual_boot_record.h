// What came of the last virtual boot: for people, and so that the same release is not started
// twice. Two files: the result, and what the guest said, unless it reached its goal.
#pragma once

#include <optional>
#include <string>

#include "agent/virtual_boot/virtual_boot.h"
#include "base/json.h"
#include "base/root_dir.h"
#include "insight/finding.h"

namespace cube {

inline constexpr const char* virtual_boot_file = "var/lib/cube-update/virtual-boot.json";
inline constexpr const char* virtual_console_file = "var/lib/cube-update/virtual-boot.console";

// The key foresight.virtual.
enum class VirtualPolicy { off, warn, require };
[[nodiscard]] VirtualPolicy virtual_policy(const std::string& word);  // else off

// {"release", "end", "emulated", "seconds", "disk", "own_disk", "stage", "why", "evidence",
// "commit"}
[[nodiscard]] Json virtual_boot_json(const VirtualBoot& boot);
// One sentence for people; it says what was not seen, too.
[[nodiscard]] std::string virtual_boot_text(const VirtualBoot& boot);

// The finding "virtual-boot:RELEASE". Reached is good. With `require` all else refuses, for then
// the boot must have been seen; with `warn` a boot that failed is a warning, and one that could not
// be judged is unknown. Never call it with `off`.
[[nodiscard]] insight::Finding virtual_boot_finding(const VirtualBoot& boot, VirtualPolicy policy);

// Durable. Of `console` the last 64 KiB are kept. Errors: no_space, failed.
Status save_virtual_boot(const RootDir& root, const VirtualBoot& boot, const std::string& console);
// nullopt: there was none. Errors: corrupt, failed.
[[nodiscard]] Result<std::optional<VirtualBoot>> load_virtual_boot(const RootDir& root);

// Does it tell what a virtual boot of this commit would tell again? Reached, died and hung do.
[[nodiscard]] bool still_holds(const VirtualBoot& boot, const std::string& commit);

}  // namespace cube
