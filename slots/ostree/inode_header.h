// The header of a file object (file_header.h) and the inode that has the same in a filesystem.
// Inside slots/ostree only.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "slots/ostree/file_header.h"

namespace cube {

// A regular file or symlink, and what its inode says.
struct OpenInode {
  Fd file;  // to read; of a symlink not valid
  FileHeader header;
  std::uint64_t size = 0;  // of the content; of a symlink 0
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

enum class Reading { cached, from_device };

// `folder` is where relative names begin. Reading from the device passes the page cache by, with
// whole blocks into aligned memory, where the filesystem can do that; where not, what is cached is
// dropped first, as far as it was written. Errors: not_found, corrupt (neither file nor symlink),
// failed.
Result<OpenInode> open_inode(int folder, const std::string& name, Reading reading);

// Gives a file owner, extended attributes, mode and time 0, after its content was written. Errors:
// no_space, failed.
Status give_header(const Fd& file, const FileHeader& header);
// A symlink. Errors: no_space, failed.
Status make_link(int folder, const std::string& name, const FileHeader& header);

}  // namespace cube
