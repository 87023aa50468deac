// The manifest of a release (docs/formats/manifest.md), read strictly: unknown members are refused,
// and what the name says must be what the members say. Pure; whether a manifest is to be believed
// is the business of keys/.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/release.h"

namespace cube {

inline constexpr std::size_t max_manifest_bytes = 64 * 1024;
inline constexpr std::size_t max_packs = 8;

// manifest_sha256 of the result is the digest of exactly these bytes. Errors: corrupt.
Result<Release> parse_manifest(std::string_view text);
// The text that parse_manifest reads back as the same release, manifest_sha256 aside.
[[nodiscard]] std::string render_manifest(const Release& release);

}  // namespace cube
