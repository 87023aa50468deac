// What commits, dirtrees and dirmetas say, out of libostree's serialization. Inside slots/ostree
// only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "slots/ostree/attributes.h"
#include "slots/ostree/glib.h"

namespace cube {

struct TreeFile {
  std::string name;
  Sha256 object{};
};

struct TreeFolder {
  std::string name;
  Sha256 tree{};  // its dirtree
  Sha256 meta{};  // its dirmeta
};

// One folder; each list sorted by name.
struct DirTree {
  std::vector<TreeFile> files;
  std::vector<TreeFolder> folders;
};

// By name, in a list that is sorted so; null where it has none.
template <typename Entry>
[[nodiscard]] const Entry* find_name(const std::vector<Entry>& sorted, const std::string& name) {
  const auto at = std::lower_bound(
      sorted.begin(), sorted.end(), name,
      [](const Entry& entry, const std::string& wanted) { return entry.name < wanted; });
  return at != sorted.end() && at->name == name ? &*at : nullptr;
}

struct DirMeta {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  // with the type
  Attributes attributes;
};

// The root folder, without a name. Errors: corrupt.
Result<TreeFolder> parse_commit(GVariant* commit);
// Names are such that they cannot lead out of their folder. Errors: corrupt.
Result<DirTree> parse_dirtree(GVariant* dirtree);
// Errors: corrupt (no folder, or attributes without sense).
Result<DirMeta> parse_dirmeta(GVariant* dirmeta);

// a(ayay), in the order in which libostree has it: by name. Errors: corrupt.
Result<Attributes> parse_attributes(GVariant* list);
[[nodiscard]] glib::Variant attribute_list(const Attributes& attributes);

}  // namespace cube
