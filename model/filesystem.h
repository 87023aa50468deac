// Filesystem: what the superblock of a slot says of its format. A value: slots/ reads it, insight/
// holds it against a kernel.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

struct Filesystem {
  std::string type;  // "ext4" (ext2 and ext3, too: the same driver mounts them), "xfs"
  // Features as bits, as the format numbers them. Who does not know a bit of `incompat` must not
  // mount it; of `read_only`, must not write to it; of `log` (xfs), must not replay its log.
  std::uint32_t incompat = 0, read_only = 0, log = 0;
  bool old_format = false;    // xfs: version 4, which has no such bits
  bool noted_errors = false;  // ext4: the kernel found damage in it

  friend bool operator==(const Filesystem&, const Filesystem&) = default;
};

}  // namespace cube
