#include "slots/ostree/slot_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/mutation.h"
#include "slots/carry_over.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/object_fill.h"
#include "slots/ostree/repository.h"

namespace cube {
namespace {

constexpr const char* repository_path = "ostree/repo";
constexpr const char* staging = ".cube/new";
constexpr std::uint64_t mib = 1024 * 1024;

// Not part of any release.
bool is_ours(const std::string& name) {
  return name == "ostree" || name == ".cube" || name == "lost+found";
}

// /etc and /var are written to by a running system, so they never share inodes with objects.
constexpr const char* copied[] = {"etc", "var"};

Status check_out_part(const Repository& repository, const std::string& commit, const RootDir& tree,
                      const std::string& subpath, const std::string& target, bool copy) {
  OstreeRepoCheckoutAtOptions options{};
  options.mode =
      repository.keeps_owners() ? OSTREE_REPO_CHECKOUT_MODE_NONE : OSTREE_REPO_CHECKOUT_MODE_USER;
  options.overwrite_mode = OSTREE_REPO_CHECKOUT_OVERWRITE_NONE;
  options.force_copy = copy ? TRUE : FALSE;
  options.no_copy_fallback = copy ? FALSE : TRUE;
  options.subpath = subpath.c_str();
  glib::ErrorOut error;
  if (!ostree_repo_checkout_at(repository.native(), &options, tree.fd(), target.c_str(),
                               commit.c_str(), nullptr, error.out()))
    return error.translate("lay out " + subpath);
  return ok();
}

Result<bool> release_has(const Repository& repository, const std::string& commit,
                         const std::string& name) {
  CUBE_TRY(const auto root, glib::root_of(repository.native(), commit));
  const glib::Object<GFile> child(g_file_get_child(root.get(), name.c_str()));
  return g_file_query_file_type(child.get(), G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, nullptr) ==
         G_FILE_TYPE_DIRECTORY;
}

// Some room for filesystem blocks that are not filled, for directories and for the repository's
// files.
std::uint64_t bytes_needed(const Release& release) {
  return release.tree_bytes + release.tree_bytes / 10 + 16 * mib;
}

Result<struct statvfs> space_of(const RootDir& tree) {
  struct statvfs fs {};
  CUBE_TRY(const auto folder, tree.open_file(".", O_RDONLY | O_DIRECTORY));
  if (::fstatvfs(folder.get(), &fs) != 0) return system_error("space of " + tree.path());
  return fs;
}

std::uint64_t bytes_free(const struct statvfs& fs) {
  return static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize;
}

// A slot of its own holds nothing but the slot; in a folder appliance the disk is shared.
bool is_mount(const RootDir& tree) {
  struct statx found {};
  return ::statx(tree.fd(), "", AT_EMPTY_PATH, 0, &found) == 0 &&
         (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

std::string SlotTree::repository_of(const RootDir& tree) {
  return tree.join(repository_path);
}

Status SlotTree::check_space(const Release& release) const {
  CUBE_TRY(const auto fs, space_of(tree_));
  const std::uint64_t needed = bytes_needed(release);
  std::uint64_t available = bytes_free(fs);
  if (is_mount(tree_))
    available += static_cast<std::uint64_t>(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
  if (needed > available)
    return Error{Errc::no_space, release.name.text + " needs " + std::to_string(needed / mib) +
                                     " MiB in " + tree_.path() + ", where only " +
                                     std::to_string(available / mib) + " MiB can be had"};
  // Each file is an object and, unless hard-linked, a path: twice is always enough.
  const std::uint64_t inodes_needed = release.tree_inodes * 2 + 1000;
  const std::uint64_t inodes = fs.f_files == 0 ? inodes_needed : fs.f_files;  // some have no limit
  if (inodes_needed > inodes)
    return Error{Errc::no_space, release.name.text + " needs " + std::to_string(inodes_needed) +
                                     " inodes in " + tree_.path() + ", which has " +
                                     std::to_string(inodes)};
  return ok();
}

Status SlotTree::check_out(const Release& release) const {
  CUBE_TRY(const auto repository, Repository::open_bare(repository_of(tree_)));
  CUBE_CHECK(check_out_part(repository, release.commit, tree_, "/", staging, false));
  for (const std::string name : copied) {
    CUBE_TRY(const bool there, release_has(repository, release.commit, name));
    if (!there) continue;
    const std::string target = std::string(staging) + "/" + name;
    CUBE_CHECK(tree_.remove_tree(target));
    CUBE_CHECK(check_out_part(repository, release.commit, tree_, "/" + name, target, true));
  }
  return ok();
}

// Takes away what is in the way of the new tree: the old one, and if the objects that could be
// reused leave too little room, those, too.
Status SlotTree::make_room(const Release& release) const {
  CUBE_TRY(const auto present, tree_.list("."));
  for (const auto& name : present)
    if (!is_ours(name)) CUBE_CHECK(tree_.remove_tree(name));
  CUBE_CHECK(tree_.remove_tree(staging));
  CUBE_TRY(const auto fs, space_of(tree_));
  if (bytes_free(fs) < bytes_needed(release)) CUBE_CHECK(tree_.remove_tree("ostree"));
  return ok();
}

Status SlotTree::move_in() const {
  CUBE_TRY(const auto fresh, tree_.list(staging));
  for (const auto& name : fresh) {
    if (is_ours(name)) continue;
    const std::string from = std::string(staging) + "/" + name;
    if (::renameat(tree_.fd(), from.c_str(), tree_.fd(), name.c_str()) != 0)
      return system_error("move " + tree_.join(from));
  }
  return tree_.remove_tree(staging);
}

Status SlotTree::fill_objects(const Release& release, const ObjectSource& source,
                              const RootDir* running, const std::vector<ObjectId>& damaged,
                              const ProgressSink& progress) const {
  CUBE_TRY(auto repository, Repository::open_bare(repository_of(tree_)));
  if (!mutated("fill-reuses-damaged-objects"))
    for (const auto& id : damaged)
      CUBE_CHECK(tree_.remove_file(std::string(repository_path) + "/objects/" + bare_file(id)));
  const bool has_running = running != nullptr && running->exists(repository_path);
  const std::string other = has_running ? repository_of(*running) : "";
  CUBE_TRY(const auto objects, ObjectFill(repository, other, release, source, progress).run());
  return repository.keep_only(release.commit, objects);
}

Status SlotTree::fill(const Release& release, const ObjectSource& source, const RootDir* running,
                      const std::vector<ObjectId>& damaged, const ProgressSink& progress) {
  CUBE_CHECK(check_space(release));
  CUBE_CHECK(make_room(release));
  CUBE_CHECK(tree_.make_dirs("ostree"));
  CUBE_CHECK(tree_.make_dirs(".cube", 0700));
  CUBE_CHECK(fill_objects(release, source, running, damaged, progress));
  CUBE_CHECK(check_out(release));
  CUBE_CHECK(move_in());
  if (running != nullptr) CUBE_CHECK(carry_over(*running, tree_, carried_));
  CUBE_TRY(const auto folder, tree_.open_file(".", O_RDONLY | O_DIRECTORY));
  if (::syncfs(folder.get()) != 0) return system_error("sync " + tree_.path());
  return ok();
}

// So that what verify() reads comes from the device, not from memory that only looks like it.
Status SlotTree::drop_cache() const {
  CUBE_TRY(const auto root, tree_.open_file(".", O_RDONLY | O_DIRECTORY));
  if (::syncfs(root.get()) != 0) return system_error("sync " + tree_.path());
  const std::string objects = std::string(repository_path) + "/objects";
  CUBE_TRY(const auto prefixes, tree_.list(objects));
  for (const auto& prefix : prefixes) {
    CUBE_TRY(const auto names, tree_.list(objects + "/" + prefix));
    for (const auto& name : names) {
      const auto file =
          tree_.open_file(objects + "/" + prefix + "/" + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (file) ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_DONTNEED);
    }
  }
  return ok();
}

Status SlotTree::verify(const Release& release, const ProgressSink& progress,
                        std::vector<ObjectId>& damaged) const {
  return verify(release, {carried_, false}, progress, damaged);
}

Status SlotTree::verify_after_use(const Release& release, const ProgressSink& progress) const {
  Tolerance tolerance{carried_, true};
  tolerance.changed.insert(tolerance.changed.end(), std::begin(copied), std::end(copied));
  std::vector<ObjectId> damaged;
  return verify(release, tolerance, progress, damaged);
}

Status SlotTree::verify(const Release& release, const Tolerance& tolerance,
                        const ProgressSink& progress, std::vector<ObjectId>& damaged) const {
  CUBE_CHECK(drop_cache());
  CUBE_TRY(const auto repository, Repository::open_bare_to_read(repository_of(tree_)));
  CUBE_CHECK(repository.verify_commit(release.commit, progress, damaged));
  if (!mutated("verify-skips-paths"))
    CUBE_CHECK(verify_paths(repository, release.commit, tree_, tolerance));
  for (const std::string name : {"boot/vmlinuz", "boot/initrd.img"}) {
    const auto st = tree_.stat(name);
    if (!st || !S_ISREG(st->st_mode) || st->st_size == 0)
      return Error{Errc::corrupt, tree_.join(name) +
                                      " is missing or empty, so the boot loader could "
                                      "not start this release"};
  }
  return ok();
}

}  // namespace cube
