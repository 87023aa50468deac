#include "slots/make_filesystem.h"

#include <cstdint>
#include <cstdio>

#include "base/spawn.h"
#include "slots/superblock.h"

namespace cube {
namespace {

// filetype 0x2, recover 0x4, meta_bg 0x10, extents 0x40, 64bit 0x80, mmp 0x100, flex_bg 0x200,
// encrypt 0x10000: what GRUB 2.06 supports or ignores. metadata_csum itself is an ro_compat
// feature.
constexpr std::uint32_t readable_incompat =
    0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x10000;
// metadata_csum_seed 0x2000 is not in GRUB 2.06; large_dir 0x4000, inline_data 0x8000, casefold
// 0x20000.

// XFS: ftype 0x1, sparse inodes 0x2, meta uuid 0x4, bigtime 0x8: what GRUB 2.06 supports. Large
// extent counts 0x20 and newer ones it refuses.
constexpr std::uint32_t xfs_readable_incompat = 0xf;

Error unreadable(const std::string& device, const std::string& filesystem, std::uint32_t strange) {
  char hex[16];
  std::snprintf(hex, sizeof hex, "0x%x", strange);
  return {Errc::cannot_arm, device + ": its " + filesystem +
                                " has features that GRUB cannot read (incompat " + hex + ")"};
}

}  // namespace

Status make_ext4(const std::string& device, const std::string& label) {
  SpawnOptions options;
  options.timeout = std::chrono::seconds(600);
  CUBE_TRY(const auto outcome, spawn({"mkfs.ext4", "-q", "-F", "-L", label, "-O",
                                      "^metadata_csum_seed,^orphan_file", "-m", "0", device},
                                     options));
  if (outcome.exit_code != 0)
    return Error{Errc::failed, "mkfs.ext4 " + device + ": " + outcome.output.substr(0, 300)};
  return check_loader_readable(device);
}

Status check_loader_readable(const std::string& device) {
  CUBE_TRY(const auto found, read_superblock(device));
  if (found.noted_errors)
    return Error{Errc::corrupt, device + ": the kernel noted damage in its filesystem"};
  const auto readable = found.type == "ext4" ? readable_incompat : xfs_readable_incompat;
  const auto strange = found.incompat & ~readable;
  if (strange == 0) return ok();
  return unreadable(device, found.type, strange);
}

}  // namespace cube
