#include "slots/ostree/tree_layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "slots/ostree/bare_files.h"
#include "slots/ostree/dir_metas.h"
#include "slots/ostree/file_copy.h"

namespace cube {
namespace {

constexpr mode_t permission_bits = 07777;

using Entries = std::vector<DirEntry>;

bool is_copied(const std::string& path) {
  return std::any_of(written_by_systems.begin(), written_by_systems.end(), [&](const char* name) {
    const auto top = "/" + std::string(name);
    return path == top || path.starts_with(top + "/");
  });
}

Status set_attributes(const Fd& folder, const Attributes& wanted, const std::string& path) {
  CUBE_TRY(const auto present, attributes_of(folder, path));
  for (const auto& [name, value] : present)
    if (wanted.count(name) == 0 && ::fremovexattr(folder.get(), name.c_str()) != 0)
      return system_error("remove extended attribute " + name + " of " + path);
  for (const auto& [name, value] : wanted) {
    const auto at = present.find(name);
    if (at != present.end() && at->second == value) continue;
    if (::fsetxattr(folder.get(), name.c_str(), value.data(), value.size(), 0) != 0)
      return system_error("extended attribute " + name + " of " + path);
  }
  return ok();
}

class Layout {
 public:
  static Result<Layout> open(const Repository& repository, const std::vector<BareObject>& objects,
                             const RootDir& tree, const ProgressSink& progress) {
    CUBE_TRY(auto reader, ObjectReader::open(repository.path()));
    CUBE_TRY(auto copier, FileCopier::open(repository));
    return Layout(repository, objects, tree, progress, std::move(reader), std::move(copier));
  }

  Status commit(const Sha256& name) {
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::commit, name}));
    CUBE_TRY(const auto root, parse_commit(loaded.get()));
    return folder(root, "");
  }

 private:
  Layout(const Repository& repository, const std::vector<BareObject>& objects, const RootDir& tree,
         const ProgressSink& progress, ObjectReader reader, FileCopier copier)
      : repository_(repository),
        objects_(objects),
        tree_(tree),
        progress_(progress),
        reader_(std::move(reader)),
        copier_(std::move(copier)) {}

  // `path` begins with a slash, but for the top.
  Status folder(const TreeFolder& wanted, const std::string& path) {
    CUBE_CHECK(progress_.go_on());
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::dirtree, wanted.tree}));
    CUBE_TRY(const auto listing, parse_dirtree(loaded.get()));
    CUBE_CHECK(own_level(listing, path));
    // No descriptor is open while the levels below are worked on.
    for (const auto& below : listing.folders) CUBE_CHECK(folder(below, path + "/" + below.name));
    return set_meta(wanted.meta, path);
  }

  // The files of a folder, and empty folders for the levels below.
  Status own_level(const DirTree& listing, const std::string& path) {
    if (!repository_.keeps_owners()) CUBE_CHECK(make_accessible(path));
    CUBE_TRY(const auto at, tree_.below(path));
    CUBE_TRY(auto present, at.entries("."));
    CUBE_CHECK(clear(listing, at, path.empty(), present));
    for (const auto& wanted : listing.files)
      CUBE_CHECK(file(wanted, find_name(present, wanted.name), at, path));
    for (const auto& wanted : listing.folders)
      if (find_name(present, wanted.name) == nullptr &&
          ::mkdirat(at.fd(), wanted.name.c_str(), 0700) != 0)
        return system_error("make folder " + path + "/" + wanted.name);
    return ok();
  }

  // Takes what cannot be part of the folder out of it, and out of `present`.
  static Status clear(const DirTree& listing, const RootDir& at, bool top, Entries& present) {
    Entries kept;
    for (auto& entry : present) {
      const bool is_folder = entry.type == DirEntry::Type::folder;
      if ((top && is_slots_own(entry.name)) ||
          (is_folder ? find_name(listing.folders, entry.name) != nullptr
                     : find_name(listing.files, entry.name) != nullptr))
        kept.push_back(std::move(entry));
      else
        CUBE_CHECK(at.remove_tree(entry.name));
    }
    present = std::move(kept);
    return ok();
  }

  Status file(const TreeFile& wanted, const DirEntry* present, const RootDir& at,
              const std::string& path) {
    const auto where = path + "/" + wanted.name;
    const auto* object = find_object(objects_, {ObjectKind::file, wanted.object});
    if (object == nullptr)
      return Error{Errc::corrupt, describe(ObjectKind::file, wanted.object) + " (" + where +
                                      ") is missing in the slot"};
    const bool copied = is_copied(path);
    if (present != nullptr) {
      const bool linked = present->inode == object->inode;
      if (!copied && linked) return ok();
      if (copied && !linked) {
        CUBE_TRY(const auto difference,
                 copier_.difference(wanted.object, at, wanted.name, Reading::cached));
        if (difference.empty()) return ok();
      }
      CUBE_CHECK(at.remove_file(wanted.name));
    }
    auto status = copied ? copier_.copy(wanted.object, at, wanted.name)
                         : copier_.link(wanted.object, at, wanted.name);
    if (!status) return std::move(status).error().in(where);
    return status;
  }

  // An ordinary user needs rights on folders that root does not need.
  Status make_accessible(const std::string& path) const {
    CUBE_TRY(const auto fd, tree_.open_file(path, O_PATH | O_DIRECTORY));
    const auto by_number = "/proc/self/fd/" + std::to_string(fd.get());
    if (::chmod(by_number.c_str(), 0700) != 0) return system_error("mode of " + path);
    return ok();
  }

  Status set_meta(const Sha256& meta, const std::string& path) {
    CUBE_TRY(const auto wanted, metas_.load(reader_, meta));
    CUBE_TRY(const auto fd, tree_.open_file(path, O_RDONLY | O_DIRECTORY));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("stat " + path);
    const bool owners = repository_.keeps_owners();
    if (owners && (st.st_uid != wanted.uid || st.st_gid != wanted.gid) &&
        ::fchown(fd.get(), wanted.uid, wanted.gid) != 0)
      return system_error("owner of " + path);
    if (owners) CUBE_CHECK(set_attributes(fd, wanted.attributes, path));
    if ((st.st_mode & permission_bits) != (wanted.mode & permission_bits) &&
        ::fchmod(fd.get(), wanted.mode & permission_bits) != 0)
      return system_error("mode of " + path);
    return ok();
  }

  const Repository& repository_;
  const std::vector<BareObject>& objects_;
  const RootDir& tree_;
  const ProgressSink& progress_;
  ObjectReader reader_;
  DirMetas metas_;
  FileCopier copier_;
};

}  // namespace

bool is_slots_own(const std::string& name) {
  return name == "ostree" || name == ".cube" || name == "lost+found";
}

Status lay_out(const Repository& repository, const std::string& commit,
               const std::vector<BareObject>& objects, const RootDir& tree,
               const ProgressSink& progress) {
  CUBE_TRY(const auto name, parse_sha256(commit));
  CUBE_TRY(auto layout, Layout::open(repository, objects, tree, progress));
  return layout.commit(name);
}

}  // namespace cube
