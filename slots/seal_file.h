// The seal on disk: .cube/seal of a slot. NAME=VALUE lines, then sha256= over all lines before it.
// docs/formats/seal.md. A seal that is damaged in any way is no seal.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/seal.h"

namespace cube {

[[nodiscard]] std::string render_seal(const Seal& seal);
// Errors: corrupt.
[[nodiscard]] Result<Seal> parse_seal(std::string_view text);

// `slot` is the slot's tree. nullopt: none, or none that is whole. Errors: failed.
[[nodiscard]] Result<std::optional<Seal>> read_seal(const RootDir& slot);
// When the seal was written, by the kernel's own time of its inode. Errors: not_found, failed.
[[nodiscard]] Result<struct timespec> seal_time(const RootDir& slot);
// Durable when it returns. Errors: no_space, failed.
Status write_seal(const RootDir& slot, const Seal& seal);
// Durably gone when it returns; absent is fine. Errors: failed.
Status remove_seal(const RootDir& slot);

}  // namespace cube
