// Where a bare repository has its objects: one file each, objects/5d/e9...8c.file. Inside
// slots/ostree only.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

// "5d/e9...8c.file", below objects/.
[[nodiscard]] std::string bare_file(const ObjectId& id);

struct BareObject {
  ObjectId id;
  std::uint64_t inode = 0;

  friend auto operator<=>(const BareObject&, const BareObject&) = default;
};

// What the repository has by name, sorted; whether it is sound is another matter. Other files are
// left out. Errors: corrupt (more objects than any release has), failed.
Result<std::vector<BareObject>> bare_objects(const std::string& repository);
// Null: it is not there.
[[nodiscard]] const BareObject* find_object(const std::vector<BareObject>& sorted,
                                            const ObjectId& id);

// Bytes of each one's file; 0 for those that are not there, or not as in a bare repository.
[[nodiscard]] std::vector<std::uint64_t> bare_file_sizes(const std::string& repository,
                                                         const std::vector<ObjectId>& ids);

// Deletes what is in `present` and not in `keep`, which is sorted. Errors: failed.
Status delete_others(const std::string& repository, const std::vector<BareObject>& present,
                     const std::vector<ObjectId>& keep);

}  // namespace cube
