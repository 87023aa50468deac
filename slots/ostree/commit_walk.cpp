#include "slots/ostree/commit_walk.h"

#include <algorithm>
#include <array>
#include <set>

#include "slots/ostree/object_stream.h"

namespace cube {
namespace {

constexpr std::size_t kinds = 4;
constexpr std::size_t max_depth = 1024;  // PATH_MAX has room for 2048

Result<Sha256> name_in(GVariant* parent, gsize i) {
  const glib::Variant bytes(g_variant_get_child_value(parent, i));
  gsize size = 0;
  const auto* data =
      static_cast<const std::uint8_t*>(g_variant_get_fixed_array(bytes.get(), &size, 1));
  Sha256 name{};
  if (size != name.size()) return Error{Errc::corrupt, "has a name that is no SHA-256"};
  std::copy(data, data + size, name.begin());
  return name;
}

std::string file_name_in(GVariant* entry) {
  const glib::Variant name(g_variant_get_child_value(entry, 0));
  return g_variant_get_string(name.get(), nullptr);
}

// Walks the dirtrees of a commit, deepest last, and notes what it meets for the first time.
class Walk {
 public:
  Walk(const FindTree& find, std::vector<CommitPath>* paths) : find_(find), paths_(paths) {}

  Result<std::vector<CommitObject>> commit(const Sha256& commit) {
    CUBE_TRY(const auto loaded, find_({ObjectKind::commit, commit}));
    note(ObjectKind::commit, commit, "");
    CUBE_TRY(const auto tree, name_in(loaded.get(), 6));
    CUBE_TRY(const auto meta, name_in(loaded.get(), 7));
    CUBE_CHECK(folder(tree, meta, "", 0));
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

  Status folder(const Sha256& tree, const Sha256& meta, const std::string& path,
                std::size_t depth) {
    note(ObjectKind::dirmeta, meta, path + "/");
    if (!note(ObjectKind::dirtree, tree, path + "/")) return ok();
    if (depth > max_depth) return Error{Errc::corrupt, path + ": is too deep a folder"};
    CUBE_TRY(const auto loaded, find_({ObjectKind::dirtree, tree}));
    const glib::Variant files(g_variant_get_child_value(loaded.get(), 0));
    for (gsize i = 0; i < g_variant_n_children(files.get()); ++i) {
      const glib::Variant entry(g_variant_get_child_value(files.get(), i));
      CUBE_TRY(const auto name, name_in(entry.get(), 1));
      auto file_path = path + "/" + file_name_in(entry.get());
      note(ObjectKind::file, name, file_path);
      if (paths_ != nullptr) paths_->push_back({std::move(file_path), name});
    }
    const glib::Variant folders(g_variant_get_child_value(loaded.get(), 1));
    for (gsize i = 0; i < g_variant_n_children(folders.get()); ++i) {
      const glib::Variant entry(g_variant_get_child_value(folders.get(), i));
      CUBE_TRY(const auto below, name_in(entry.get(), 1));
      CUBE_TRY(const auto below_meta, name_in(entry.get(), 2));
      CUBE_CHECK(folder(below, below_meta, path + "/" + file_name_in(entry.get()), depth + 1));
    }
    return ok();
  }

  const FindTree& find_;
  std::vector<CommitPath>* paths_;
  std::array<std::set<Sha256>, kinds> seen_;
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
