// Waivers on a machine: those that root gave, in var/lib/cube-update/waivers.json, and those that
// came with a release, signed with it.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "insight/locks/waiver.h"

namespace cube {

inline constexpr const char* root_waivers_file = "var/lib/cube-update/waivers.json";

// Those that root gave, expired ones too. Errors: corrupt (damaged, or others may write it),
// failed.
[[nodiscard]] Result<insight::Waivers> root_waivers(const RootDir& machine);
// Durable, whole or not at all. Errors: no_space, failed.
Status save_root_waivers(const RootDir& machine, const insight::Waivers& waivers);

// Of the release in `tree`. Errors: corrupt, failed.
[[nodiscard]] Result<insight::Waivers> waivers_of_release(const RootDir& tree);

// Marks in the findings what waivers of both let through. Errors: as above; nothing is marked then.
Status waive(const RootDir& machine, const RootDir& tree, UnixSeconds now,
             insight::Findings& findings);

}  // namespace cube
