#include "slots/ostree/commit_objects.h"

#include <algorithm>
#include <array>
#include <set>

#include "slots/ostree/glib.h"
#include "slots/ostree/repository.h"

namespace cube {
namespace {

using glib::ErrorOut;

constexpr std::array<OstreeObjectType, 4> types{
    OSTREE_OBJECT_TYPE_COMMIT, OSTREE_OBJECT_TYPE_DIR_TREE, OSTREE_OBJECT_TYPE_DIR_META,
    OSTREE_OBJECT_TYPE_FILE};

Error missing(Error error) {
  if (error.code == Errc::failed || error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

Result<Sha256> name_of(const std::string& hex) {
  CUBE_TRY(const auto bytes, from_hex(hex));
  Sha256 name{};
  if (bytes.size() != name.size()) return Error{Errc::corrupt, hex + ": is no SHA-256"};
  std::transform(bytes.begin(), bytes.end(), name.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return name;
}

// Walks the dirtrees of a commit, deepest last, and notes what it meets for the first time.
class Walk {
 public:
  explicit Walk(OstreeRepo* repository) : repository_(repository) {}

  Result<std::vector<CommitObject>> commit(const std::string& commit) {
    ErrorOut error;
    GVariant* raw = nullptr;
    if (!ostree_repo_load_commit(repository_, commit.c_str(), &raw, nullptr, error.out()))
      return missing(error.translate("commit " + commit));
    const glib::Variant loaded(raw);
    CUBE_TRY(const auto name, name_of(commit));
    CUBE_CHECK(note(ObjectKind::commit, name, ""));
    CUBE_CHECK(folder(child_name(loaded.get(), 6), child_name(loaded.get(), 7), ""));
    std::vector<CommitObject> all;
    for (auto& kind : found_) std::move(kind.begin(), kind.end(), std::back_inserter(all));
    return all;
  }
  std::vector<CommitPath> take_paths() { return std::move(paths_); }

 private:
  static constexpr std::size_t max_depth = 1024;  // PATH_MAX has room for 2048

  static Sha256 as_name(GVariant* bytes) {
    Sha256 name{};
    gsize size = 0;
    const auto* data = static_cast<const std::uint8_t*>(g_variant_get_fixed_array(bytes, &size, 1));
    if (size == name.size()) std::copy(data, data + size, name.begin());
    return name;
  }
  static Sha256 child_name(GVariant* parent, gsize i) {
    const glib::Variant child(g_variant_get_child_value(parent, i));
    return as_name(child.get());
  }

  bool first(ObjectKind kind, const Sha256& name) {
    return seen_[static_cast<std::size_t>(kind)].insert(name).second;
  }
  Status note(ObjectKind kind, const Sha256& name, const std::string& path) {
    if (!first(kind, name)) return ok();
    found_[static_cast<std::size_t>(kind)].push_back({kind, name, path});
    return ok();
  }

  Status folder(const Sha256& tree, const Sha256& meta, const std::string& path) {
    CUBE_CHECK(note(ObjectKind::dirmeta, meta, path + "/"));
    if (seen_[static_cast<std::size_t>(ObjectKind::dirtree)].count(tree) != 0) return ok();
    CUBE_CHECK(note(ObjectKind::dirtree, tree, path + "/"));
    if (++depth_ > max_depth) return Error{Errc::corrupt, path + ": is too deep a folder"};
    ErrorOut error;
    GVariant* raw = nullptr;
    if (!ostree_repo_load_variant(repository_, OSTREE_OBJECT_TYPE_DIR_TREE, to_hex(tree).c_str(),
                                  &raw, error.out()))
      return missing(error.translate(describe(ObjectKind::dirtree, tree)));
    const glib::Variant loaded(raw);
    CUBE_CHECK(files(loaded.get(), path));
    CUBE_CHECK(folders(loaded.get(), path));
    --depth_;
    return ok();
  }

  Status files(GVariant* tree, const std::string& path) {
    const glib::Variant list(g_variant_get_child_value(tree, 0));
    for (gsize i = 0; i < g_variant_n_children(list.get()); ++i) {
      const glib::Variant entry(g_variant_get_child_value(list.get(), i));
      paths_.push_back({path + "/" + name_in(entry), child_name(entry.get(), 1)});
      CUBE_CHECK(note(ObjectKind::file, paths_.back().file, paths_.back().path));
    }
    return ok();
  }
  Status folders(GVariant* tree, const std::string& path) {
    const glib::Variant list(g_variant_get_child_value(tree, 1));
    for (gsize i = 0; i < g_variant_n_children(list.get()); ++i) {
      const glib::Variant entry(g_variant_get_child_value(list.get(), i));
      CUBE_CHECK(folder(child_name(entry.get(), 1), child_name(entry.get(), 2),
                        path + "/" + name_in(entry)));
    }
    return ok();
  }
  static std::string name_in(const glib::Variant& entry) {
    const glib::Variant name(g_variant_get_child_value(entry.get(), 0));
    return g_variant_get_string(name.get(), nullptr);
  }

  OstreeRepo* repository_;
  std::array<std::set<Sha256>, types.size()> seen_;
  std::array<std::vector<CommitObject>, types.size()> found_;
  std::vector<CommitPath> paths_;
  std::size_t depth_ = 0;
};

}  // namespace

struct CommitObjects::Source {
  Repository repository;
};

CommitObjects::CommitObjects(std::unique_ptr<Source> source, std::vector<CommitObject> list,
                             std::vector<CommitPath> paths)
    : source_(std::move(source)), list_(std::move(list)), paths_(std::move(paths)) {}
CommitObjects::CommitObjects(CommitObjects&&) noexcept = default;
CommitObjects& CommitObjects::operator=(CommitObjects&&) noexcept = default;
CommitObjects::~CommitObjects() = default;

Result<CommitObjects> CommitObjects::open(const std::string& repository,
                                          const std::string& commit) {
  CUBE_TRY(auto opened, Repository::open_archive(repository, false));
  Walk walk(opened.native());
  CUBE_TRY(auto list, walk.commit(commit));
  return CommitObjects(std::make_unique<Source>(Source{std::move(opened)}), std::move(list),
                       walk.take_paths());
}

Status CommitObjects::read(const CommitObject& object, ObjectSink& sink) const {
  ErrorOut error;
  GInputStream* raw = nullptr;
  guint64 length = 0;
  const auto where = describe(object.kind, object.name);
  if (!ostree_repo_load_object_stream(
          source_->repository.native(), types[static_cast<std::size_t>(object.kind)],
          to_hex(object.name).c_str(), &raw, &length, nullptr, error.out()))
    return missing(error.translate(where));
  const glib::Object<GInputStream> stream(raw);
  CUBE_CHECK(sink.begin({object.kind, object.name, length}));
  std::string buffer(256 * 1024, '\0');
  for (std::uint64_t done = 0;;) {
    const auto count =
        g_input_stream_read(stream.get(), buffer.data(), buffer.size(), nullptr, error.out());
    if (count < 0) return missing(error.translate(where));
    done += static_cast<std::uint64_t>(count);
    if (done > length || (count == 0 && done < length))
      return Error{Errc::corrupt, where + ": is not as long as it says"};
    if (count == 0) return sink.end();
    CUBE_CHECK(sink.write({buffer.data(), static_cast<std::size_t>(count)}));
  }
}

}  // namespace cube
