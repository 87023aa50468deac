#include "slots/superblock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/fd.h"
#include "base/little_endian.h"

namespace cube {
namespace {

// ext4 superblock (kernel documentation, "ext4 super block"): at byte 1024; magic 0xEF53 at 0x38,
// s_state at 0x3A, s_feature_incompat at 0x60, s_feature_ro_compat at 0x64; all little endian.
constexpr std::size_t ext4_at = 1024, ext4_magic_at = 0x38, ext4_state_at = 0x3A,
                      ext4_incompat_at = 0x60, ext4_read_only_at = 0x64, ext4_end = 0x68;
constexpr std::uint32_t ext4_magic = 0xEF53;
constexpr std::uint32_t ext4_noted_errors = 0x2;  // in s_state

// XFS superblock (on-disk format): at byte 0; magic "XFSB"; sb_versionnum at 100; in version 5
// sb_features_ro_compat at 212, sb_features_incompat at 216, sb_features_log_incompat at 220; all
// big endian.
constexpr std::size_t xfs_version_at = 100, xfs_read_only_at = 212, xfs_incompat_at = 216,
                      xfs_log_at = 220, xfs_end = 224;

std::uint32_t big(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

Result<Filesystem> parse_superblock(std::string_view begin) {
  if (begin.size() < ext4_at + ext4_end)
    return Error{Errc::corrupt, "is too short for a filesystem"};
  Filesystem found;
  const auto ext4 = begin.substr(ext4_at);
  if (number_at(ext4, ext4_magic_at, 2) == ext4_magic) {
    found.type = "ext4";
    found.noted_errors = (number_at(ext4, ext4_state_at, 2) & ext4_noted_errors) != 0;
    found.incompat = static_cast<std::uint32_t>(number_at(ext4, ext4_incompat_at, 4));
    found.read_only = static_cast<std::uint32_t>(number_at(ext4, ext4_read_only_at, 4));
    return found;
  }
  static_assert(xfs_end < ext4_at);
  if (!begin.starts_with("XFSB")) return Error{Errc::corrupt, "holds neither ext4 nor xfs"};
  found.type = "xfs";
  found.old_format = (big(begin, xfs_version_at, 2) & 0xf) != 5;
  if (found.old_format) return found;
  found.incompat = big(begin, xfs_incompat_at, 4);
  found.read_only = big(begin, xfs_read_only_at, 4);
  found.log = big(begin, xfs_log_at, 4);
  return found;
}

Result<Filesystem> read_superblock(const std::string& device) {
  const Fd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return system_error("open " + device);
  std::string begin(superblock_bytes, '\0');
  std::size_t have = 0;
  while (have < begin.size()) {
    const auto count =
        ::pread(fd.get(), begin.data() + have, begin.size() - have, static_cast<off_t>(have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read " + device);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  auto found = parse_superblock(std::string_view(begin).substr(0, have));
  if (!found) found.error().what = device + " " + found.error().what;
  return found;
}

}  // namespace cube
