#include "slots/ostree/commit_walk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

#include "slots/ostree/object_stream.h"
#include "slots/ostree/tree_objects.h"

namespace cube {
namespace {

constexpr std::size_t kinds = 4;
constexpr std::size_t max_depth = 1024;  // PATH_MAX has room for 2048

// Digests are as good as random.
struct Bits {
  std::size_t operator()(const Sha256& name) const {
    std::size_t bits = 0;
    std::memcpy(&bits, name.data(), sizeof bits);
    return bits;
  }
};

// Walks the dirtrees of a commit, deepest last, and notes what it meets for the first time.
class Walk {
 public:
  Walk(const FindTree& find, std::vector<CommitPath>* paths) : find_(find), paths_(paths) {}

  Result<std::vector<CommitObject>> commit(const Sha256& commit) {
    CUBE_TRY(const auto loaded, find_({ObjectKind::commit, commit}));
    note(ObjectKind::commit, commit, "");
    CUBE_TRY(const auto root, parse_commit(loaded.get()));
    CUBE_CHECK(folder(root, "", 0));
    std::vector<CommitObject> all;
    for (auto& kind : found_) std::move(kind.begin(), kind.end(), std::back_inserter(all));
    return all;
  }

 private:
  // False: it was noted before.
  bool note(ObjectKind kind, const Sha256& name, const std::string& path) {
    const auto i = static_cast<std::size_t>(kind);
    const bool first = seen_[i].insert(name).second;
    if (first) found_[i].push_back({kind, name, path});
    return first;
  }

  Status folder(const TreeFolder& entry, const std::string& path, std::size_t depth) {
    note(ObjectKind::dirmeta, entry.meta, path + "/");
    if (!note(ObjectKind::dirtree, entry.tree, path + "/")) return ok();
    if (depth > max_depth) return Error{Errc::corrupt, path + ": is too deep a folder"};
    CUBE_TRY(const auto loaded, find_({ObjectKind::dirtree, entry.tree}));
    CUBE_TRY(const auto tree, parse_dirtree(loaded.get()));
    for (const auto& file : tree.files) {
      auto file_path = path + "/" + file.name;
      note(ObjectKind::file, file.object, file_path);
      if (paths_ != nullptr) paths_->push_back({std::move(file_path), file.object});
    }
    for (const auto& below : tree.folders)
      CUBE_CHECK(folder(below, path + "/" + below.name, depth + 1));
    return ok();
  }

  const FindTree& find_;
  std::vector<CommitPath>* paths_;
  std::array<std::unordered_set<Sha256, Bits>, kinds> seen_;
  std::array<std::vector<CommitObject>, kinds> found_;
};

}  // namespace

FindTree find_in(OstreeRepo* repository) {
  return [repository](const ObjectId& id) -> Result<glib::Variant> {
    glib::ErrorOut error;
    GVariant* raw = nullptr;
    if (ostree_repo_load_variant(repository, type_of(id.kind), to_hex(id.name).c_str(), &raw,
                                 error.out()))
      return glib::Variant(raw);
    auto missing = error.translate(describe(id));
    if (missing.code == Errc::failed || missing.code == Errc::not_found)
      missing.code = Errc::corrupt;
    return missing;
  };
}

Result<std::vector<CommitObject>> walk_commit(const Sha256& commit, const FindTree& find,
                                              std::vector<CommitPath>* paths) {
  return Walk(find, paths).commit(commit);
}

}  // namespace cube
