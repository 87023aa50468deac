#include "slots/ostree/verify.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "slots/carry_over.h"
#include "slots/merged_paths.h"
#include "slots/ostree/attributes.h"
#include "slots/ostree/dir_metas.h"
#include "slots/ostree/file_copy.h"
#include "slots/ostree/tree_layout.h"

namespace cube {
namespace {

constexpr std::uint32_t all_mode_bits = S_IFMT | 07777;

class PathVerifier {
 public:
  static Result<PathVerifier> open(const Repository& repository, const CheckedCommit& checked,
                                   const RootDir& tree, const Tolerance& tolerance) {
    CUBE_TRY(auto reader, ObjectReader::open(repository.path()));
    CUBE_TRY(auto copier, FileCopier::open(repository));
    return PathVerifier(repository, checked, tree, tolerance, std::move(reader), std::move(copier));
  }

  Status commit(const Sha256& name) {
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::commit, name}));
    CUBE_TRY(const auto root, parse_commit(loaded.get()));
    return folder(root, "");
  }

 private:
  PathVerifier(const Repository& repository, const CheckedCommit& checked, const RootDir& tree,
               const Tolerance& tolerance, ObjectReader reader, FileCopier copier)
      : repository_(repository),
        checked_(checked),
        tree_(tree),
        tolerance_(tolerance),
        reader_(std::move(reader)),
        copier_(std::move(copier)) {}

  static Error wrong(const std::string& path, const std::string& what) {
    return {Errc::corrupt, "/" + path + " " + what};
  }
  static std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "/" + name;
  }

  Status folder(const TreeFolder& wanted, const std::string& path) {
    CUBE_CHECK(meta(wanted.meta, path));
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::dirtree, wanted.tree}));
    CUBE_TRY(const auto listing, parse_dirtree(loaded.get()));
    CUBE_CHECK(own_level(listing, path));
    for (const auto& entry : listing.folders) {
      const auto child = below(path, entry.name);
      if (!is_carried_over(child, tolerance_.changed)) CUBE_CHECK(folder(entry, child));
    }
    return ok();
  }

  Status own_level(const DirTree& listing, const std::string& path) {
    CUBE_TRY(const auto at, tree_.below(path));
    for (const auto& entry : listing.files) {
      const auto child = below(path, entry.name);
      if (!is_carried_over(child, tolerance_.changed)) CUBE_CHECK(file(entry, at, child));
    }
    if (tolerance_.additions) return ok();
    CUBE_TRY(const auto present, at.list("."));
    for (const auto& name : present) {
      const auto child = below(path, name);
      const bool known =
          find_name(listing.files, name) != nullptr || find_name(listing.folders, name) != nullptr;
      const bool ours = path.empty() && is_slots_own(name);
      if (!known && !ours && !is_carried_over(child, tolerance_.changed))
        return wrong(child, "is not part of the release");
    }
    return ok();
  }

  Status file(const TreeFile& wanted, const RootDir& at, const std::string& path) {
    struct stat st {};
    if (::fstatat(at.fd(), wanted.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? wrong(path, "is missing") : system_error("stat /" + path);
    const auto object = checked_.files.find(wanted.object);
    if (object != checked_.files.end() && object->second.first == st.st_dev &&
        object->second.second == st.st_ino)
      return ok();
    CUBE_TRY(const auto difference,
             copier_.difference(wanted.object, at, wanted.name, Reading::from_device));
    return difference.empty() ? ok() : Status(wrong(path, difference));
  }

  Status meta(const Sha256& name, const std::string& path) {
    CUBE_TRY(const auto wanted, metas_.load(reader_, name));
    const auto fd = tree_.open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd && fd.error().code == Errc::not_found) return wrong(path, "is missing");
    if (!fd) return wrong(path, "is of another type");
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0) return system_error("stat /" + path);
    if (!repository_.keeps_owners() || is_carried_over(path + own_meta, tolerance_.changed))
      return ok();
    if ((st.st_mode & all_mode_bits) != (wanted.mode & all_mode_bits))
      return wrong(path, "has another mode");
    if (st.st_uid != wanted.uid || st.st_gid != wanted.gid) return wrong(path, "has another owner");
    CUBE_TRY(const auto present, attributes_of(*fd, "/" + path));
    if (present != wanted.attributes) return wrong(path, "has other extended attributes");
    return ok();
  }

  const Repository& repository_;
  const CheckedCommit& checked_;
  const RootDir& tree_;
  const Tolerance& tolerance_;
  ObjectReader reader_;
  DirMetas metas_;
  FileCopier copier_;
};

}  // namespace

Status verify_paths(const Repository& repository, const std::string& commit,
                    const CheckedCommit& checked, const RootDir& tree, const Tolerance& tolerance) {
  CUBE_TRY(const auto name, parse_sha256(commit));
  CUBE_TRY(auto verifier, PathVerifier::open(repository, checked, tree, tolerance));
  return verifier.commit(name);
}

}  // namespace cube
