// Where a bare repository has its objects: one file each, objects/5d/e9...8c.file. Inside
// slots/ostree only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

// "5d/e9...8c.file", below objects/.
[[nodiscard]] std::string bare_file(const ObjectId& id);

// What the repository has by name, sorted; whether it is sound is another matter. Other files are
// left out. Errors: corrupt (more objects than any release has), failed.
Result<std::vector<ObjectId>> bare_objects(const std::string& repository);

// The inode of each file and symlink.
using FileInodes = std::map<Sha256, std::uint64_t>;
// Errors: as above.
Result<FileInodes> bare_file_inodes(const std::string& repository);

// Bytes of each one's file; 0 for those that are not there, or not as in a bare repository.
[[nodiscard]] std::vector<std::uint64_t> bare_file_sizes(const std::string& repository,
                                                         const std::vector<ObjectId>& ids);

// Deletes every object that is not in `keep`, which is sorted, and what writers left behind.
// Errors: failed.
Status keep_bare_objects(const std::string& repository, const std::vector<ObjectId>& keep);

}  // namespace cube
