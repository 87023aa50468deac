#include "slots/ostree/drift.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "base/mutation.h"
#include "slots/carry_over.h"
#include "slots/ostree/attributes.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/dir_metas.h"
#include "slots/ostree/file_copy.h"
#include "slots/ostree/tree_layout.h"
#include "slots/seal_file.h"

namespace cube {
namespace {

constexpr std::uint32_t all_mode_bits = S_IFMT | 07777;
constexpr std::size_t max_not_checked = 20;  // sentences
// Names at the top whose content is the release's alone.
constexpr std::array<std::string_view, 9> of_programs{"bin",   "boot",   "lib", "lib32", "lib64",
                                                      "libx32", "opt", "sbin", "usr"};

bool is_of_programs(const std::string& path) {
  const auto top = std::string_view(path).substr(0, path.find('/'));
  return std::find(of_programs.begin(), of_programs.end(), top) != of_programs.end();
}

bool later(const struct timespec& one, const struct timespec& two) {
  return std::tie(one.tv_sec, one.tv_nsec) > std::tie(two.tv_sec, two.tv_nsec);
}

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

class DriftWalk {
 public:
  DriftWalk(const Repository& repository, const RootDir& tree,
            const std::vector<std::string>& tolerated, Look look, const ProgressSink& progress,
            ObjectReader reader, FileCopier copier)
      : repository_(repository),
        tree_(tree),
        tolerated_(tolerated),
        look_(look),
        progress_(progress),
        reader_(std::move(reader)),
        copier_(std::move(copier)) {}

  Result<Drift> run(const std::string& commit) {
    CUBE_CHECK(look_at_places());
    CUBE_TRY(const auto name, parse_sha256(commit));
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::commit, name}));
    CUBE_TRY(const auto root, parse_commit(loaded.get()));
    CUBE_CHECK(folder(root, ""));
    CUBE_CHECK(look_at_databases(root));
    std::sort(found_.paths.begin(), found_.paths.end(),
              [](const auto& one, const auto& two) { return one.path < two.path; });
    return std::move(found_);
  }

 private:
  Status look_at_places() {
    CUBE_TRY(objects_, bare_objects(repository_.path()));
    CUBE_TRY(const auto top, tree_.stat("."));
    device_ = top.st_dev;
    CUBE_TRY(sealed_, seal_time(tree_));
    return ok();
  }

  void tell(const std::string& path, DriftChange change, const std::string& how = "") {
    if (mutated("drift-unseen")) return;
    auto& count = change == DriftChange::changed   ? found_.changed
                  : change == DriftChange::removed ? found_.removed
                                                   : found_.added;
    ++count;
    if (found_.paths.size() < max_drift_paths) found_.paths.push_back({path, change, how});
  }

  void not_checked(const std::string& sentence) {
    if (found_.not_checked.size() < max_not_checked) found_.not_checked.push_back(sentence);
  }

  [[nodiscard]] bool is_tolerated(const std::string& path) const {
    return is_carried_over(path, tolerated_);
  }

  Status folder(const TreeFolder& wanted, const std::string& path) {
    CUBE_CHECK(progress_.go_on());
    progress_({"compare", found_.compared, 0, "objects"});
    CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::dirtree, wanted.tree}));
    CUBE_TRY(const auto listing, parse_dirtree(loaded.get()));
    ++found_.compared;
    const auto fd = tree_.open_file(path.empty() ? "." : path,
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd) {
      const bool gone = fd.error().code == Errc::not_found;
      tell(path + "/", gone ? DriftChange::removed : DriftChange::changed,
           gone ? "" : "is of another type");
      return ok();
    }
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0) return system_error("stat /" + path);
    if (st.st_dev != device_) {
      if (!listing.files.empty() || !listing.folders.empty())
        not_checked("/" + path + ": another file system is mounted over it");
      return ok();
    }
    CUBE_CHECK(meta(wanted.meta, *fd, st, path));
    CUBE_TRY(const auto at, tree_.below(path));
    for (const auto& entry : listing.files)
      if (const auto child = below(path, entry.name); !is_tolerated(child))
        CUBE_CHECK(file(entry, at, child));
    additions(listing, at, path);
    for (const auto& entry : listing.folders)
      if (const auto child = below(path, entry.name); !is_tolerated(child))
        CUBE_CHECK(folder(entry, child));
    return ok();
  }

  Status meta(const Sha256& name, const Fd& fd, const struct stat& st, const std::string& path) {
    if (!repository_.keeps_owners()) return ok();
    CUBE_TRY(const auto wanted, metas_.load(reader_, name));
    const auto shown = path + "/";
    if ((st.st_mode & all_mode_bits) != (wanted.mode & all_mode_bits))
      tell(shown, DriftChange::changed, "has another mode");
    else if (st.st_uid != wanted.uid || st.st_gid != wanted.gid)
      tell(shown, DriftChange::changed, "has another owner");
    else if (const auto present = attributes_of(fd, "/" + path);
             !present || *present != wanted.attributes)
      tell(shown, DriftChange::changed, "has other extended attributes");
    return ok();
  }

  // rpm keeps its database where releases bring it and systems write. Only whether it is still the
  // release's is asked.
  Status look_at_databases(const TreeFolder& root) {
    for (const std::string place : {"var/lib/rpm", "usr/lib/sysimage/rpm"}) {
      CUBE_TRY(const auto listing, listing_of(root, place));
      const auto at = tree_.below(place);
      if (!at) continue;  // it is gone, or not looked at
      for (const char* name : {"rpmdb.sqlite", "Packages.db", "Packages"}) {
        const auto* wanted = find_name(listing.files, name);
        if (wanted == nullptr) continue;
        const auto difference =
            copier_.difference(wanted->object, *at, wanted->name, Reading::cached);
        if (!difference)
          not_checked("/" + below(place, name) + ": " + difference.error().what);
        else if (!difference->empty() && !mutated("drift-unseen"))
          found_.package_databases.push_back(below(place, name));
      }
    }
    return ok();
  }

  // Of a folder of the commit; empty where it has none.
  Result<DirTree> listing_of(const TreeFolder& root, const std::string& path) {
    CUBE_TRY(auto loaded, reader_.tree_object({ObjectKind::dirtree, root.tree}));
    CUBE_TRY(auto listing, parse_dirtree(loaded.get()));
    for (std::size_t at = 0; at <= path.size();) {
      const auto end = std::min(path.find('/', at), path.size());
      const auto* next = find_name(listing.folders, path.substr(at, end - at));
      if (next == nullptr) return DirTree{};
      CUBE_TRY(loaded, reader_.tree_object({ObjectKind::dirtree, next->tree}));
      CUBE_TRY(listing, parse_dirtree(loaded.get()));
      at = end + 1;
    }
    return listing;
  }

  // The very inode of its object, and nothing happened to it since the seal.
  [[nodiscard]] bool is_untouched(const Sha256& object, const struct stat& st) const {
    const auto* known = find_object(objects_, {ObjectKind::file, object});
    return look_ == Look::quick && known != nullptr && known->inode == st.st_ino &&
           !later(st.st_ctim, sealed_);
  }

  Status file(const TreeFile& wanted, const RootDir& at, const std::string& path) {
    ++found_.compared;
    struct stat st {};
    if (::fstatat(at.fd(), wanted.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) return system_error("stat /" + path);
      tell(path, DriftChange::removed);
      return ok();
    }
    if (st.st_dev != device_) {
      not_checked("/" + path + ": another file system is mounted over it");
      return ok();
    }
    if (is_untouched(wanted.object, st)) return ok();
    CUBE_CHECK(progress_.go_on());
    const auto difference = copier_.difference(wanted.object, at, wanted.name, Reading::cached);
    if (!difference)
      not_checked("/" + path + ": " + difference.error().what);
    else if (!difference->empty())
      tell(path, DriftChange::changed, *difference);
    return ok();
  }

  void additions(const DirTree& listing, const RootDir& at, const std::string& path) {
    if (!is_of_programs(path)) return;
    const auto present = at.entries(".");
    if (!present) return not_checked("/" + path + ": " + present.error().what);
    for (const auto& entry : *present) {
      const bool known = find_name(listing.files, entry.name) != nullptr ||
                         find_name(listing.folders, entry.name) != nullptr;
      const auto child = below(path, entry.name);
      const bool compiled = look_ == Look::quick && entry.name == "__pycache__";
      if (known || compiled || is_tolerated(child)) continue;
      tell(child + (entry.type == DirEntry::Type::folder ? "/" : ""), DriftChange::added);
    }
  }

  const Repository& repository_;
  const RootDir& tree_;
  const std::vector<std::string>& tolerated_;
  const Look look_;
  const ProgressSink& progress_;
  ObjectReader reader_;
  FileCopier copier_;
  DirMetas metas_;
  std::vector<BareObject> objects_;
  dev_t device_ = 0;
  struct timespec sealed_ {};
  Drift found_;
};

}  // namespace

Result<Drift> drift_of(const Repository& repository, const std::string& commit,
                       const RootDir& tree, const std::vector<std::string>& tolerated, Look look,
                       const ProgressSink& progress) {
  CUBE_TRY(auto reader, ObjectReader::open(repository.path()));
  CUBE_TRY(auto copier, FileCopier::open(repository));
  return DriftWalk(repository, tree, tolerated, look, progress, std::move(reader),
                   std::move(copier))
      .run(commit);
}

}  // namespace cube
