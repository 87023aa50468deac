#include "slots/make_filesystem.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "base/fd.h"
#include "base/spawn.h"

namespace cube {
namespace {

// ext4 superblock (kernel documentation, "ext4 super block"): at byte 1024; magic 0xEF53 at 0x38,
// s_feature_incompat at 0x60; all little endian.
constexpr off_t superblock_at = 1024;
constexpr std::size_t magic_at = 0x38;
constexpr std::size_t state_at = 0x3A;
constexpr std::uint32_t noted_errors = 0x2;  // in s_state: the kernel found damage
constexpr std::size_t incompat_at = 0x60;
// filetype 0x2, recover 0x4, meta_bg 0x10, extents 0x40, 64bit 0x80, mmp 0x100, flex_bg 0x200,
// encrypt 0x10000: what GRUB 2.06 supports or ignores. metadata_csum itself is an ro_compat
// feature.
constexpr std::uint32_t readable_incompat =
    0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x10000;
// metadata_csum_seed 0x2000 is not in GRUB 2.06; large_dir 0x4000, inline_data 0x8000, casefold
// 0x20000.

// XFS superblock (on-disk format, version 5): at byte 0; magic "XFSB"; sb_versionnum at 100 and
// sb_features_incompat at 216, both big endian. ftype 0x1, sparse inodes 0x2, meta uuid 0x4,
// bigtime 0x8: what GRUB 2.06 supports. Large extent counts 0x20 and newer ones it refuses.
constexpr std::size_t xfs_version_at = 100;
constexpr std::size_t xfs_incompat_at = 216;
constexpr std::uint32_t xfs_readable_incompat = 0xf;

std::uint32_t little(const std::array<unsigned char, 512>& bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i)
    value |= static_cast<std::uint32_t>(bytes.at(at + static_cast<std::size_t>(i))) << (8 * i);
  return value;
}

std::uint32_t big(const std::array<unsigned char, 512>& bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes.at(at + static_cast<std::size_t>(i));
  return value;
}

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
  const Fd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return system_error("open " + device);
  std::array<unsigned char, 512> bytes{};
  if (::pread(fd.get(), bytes.data(), bytes.size(), superblock_at) !=
      static_cast<ssize_t>(bytes.size()))
    return Error{Errc::corrupt, device + " is too short for a filesystem"};
  if (little(bytes, magic_at, 2) == 0xEF53) {
    if ((little(bytes, state_at, 2) & noted_errors) != 0)
      return Error{Errc::corrupt, device + ": the kernel noted damage in its filesystem"};
    const std::uint32_t strange = little(bytes, incompat_at, 4) & ~readable_incompat;
    if (strange == 0) return ok();
    return unreadable(device, "ext4", strange);
  }
  if (::pread(fd.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
      std::string(bytes.begin(), bytes.begin() + 4) == "XFSB") {
    const bool has_features = (big(bytes, xfs_version_at, 2) & 0xf) == 5;
    const std::uint32_t strange =
        has_features ? big(bytes, xfs_incompat_at, 4) & ~xfs_readable_incompat : 0;
    if (strange == 0) return ok();
    return unreadable(device, "xfs", strange);
  }
  return Error{Errc::corrupt, device + " holds neither ext4 nor xfs"};
}

}  // namespace cube
