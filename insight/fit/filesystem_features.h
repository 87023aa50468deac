// Features of ext4 and xfs that keep a kernel from mounting a filesystem, and since when Linux has
// them. A table, pure.
//
// Source: which bits Linux supports and in which of its releases that came, in its own sources
// (fs/ext4/ext4.h, "EXT4_FEATURE_..._SUPP"; fs/xfs/libxfs/xfs_format.h, "XFS_SB_FEAT_..."), and
// ext4(5), "Kernel support". Makers of distributions bring features back into older kernels, so a
// kernel that is older than the table says may have one nevertheless.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/filesystem.h"

namespace cube::insight {

struct LinuxVersion {
  unsigned major = 0, minor = 0;

  auto operator<=>(const LinuxVersion&) const = default;
};
// Of a kernel's release, as `uname -r`: 5.14 of "5.14.0-427.el9.x86_64".
[[nodiscard]] std::optional<LinuxVersion> linux_version(std::string_view release);
[[nodiscard]] std::string text_of(const LinuxVersion& version);

struct Feature {
  std::string name;  // "metadata_csum_seed"; of a bit that nobody knows "incompat-0x200000"
  // The first Linux with it. nullopt: none mounts a root that has it, or the bit is not known.
  std::optional<LinuxVersion> since;
  std::string
      option;  // of the kernel, without which it refuses the feature: "CONFIG_UNICODE", or ""
};

// Those that the filesystem has, in the order of their bits.
[[nodiscard]] std::vector<Feature> features_of(const Filesystem& filesystem);

}  // namespace cube::insight
