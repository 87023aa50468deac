#include "slots/ostree/slot_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "base/mutation.h"
#include "slots/carry_over.h"
#include "slots/early_writeback.h"
#include "slots/merged_paths.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/etc_merge.h"
#include "slots/ostree/object_fill.h"
#include "slots/ostree/repository.h"
#include "slots/ostree/tree_layout.h"
#include "slots/persist_list.h"
#include "slots/seal_file.h"

namespace cube {
namespace {

constexpr const char* repository_path = "ostree/repo";
constexpr std::uint64_t mib = 1024 * 1024;

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

// Takes away what was to be reused, and was in the way.
Status SlotTree::empty() const {
  CUBE_TRY(const auto present, tree_.list("."));
  for (const auto& name : present)
    if (name == "ostree" || !is_slots_own(name)) CUBE_CHECK(tree_.remove_tree(name));
  return ok();
}

Result<std::vector<BareObject>> SlotTree::fill_objects(Repository& repository,
                                                       const Release& release,
                                                       const ObjectSource& source,
                                                       const RootDir* running,
                                                       const std::vector<ObjectId>& damaged,
                                                       const ProgressSink& progress) const {
  if (!mutated("fill-reuses-damaged-objects"))
    for (const auto& id : damaged)
      CUBE_CHECK(tree_.remove_file(std::string(repository_path) + "/objects/" + bare_file(id)));
  const bool has_running = running != nullptr && running->exists(repository_path);
  const std::string other = has_running ? repository_of(*running) : "";
  return ObjectFill(repository, other, release, source, progress).run();
}

Status SlotTree::fill(const Release& release, const ObjectSource& source, const RootDir* running,
                      const std::vector<ObjectId>& damaged, const ProgressSink& progress) {
  CUBE_CHECK(check_space(release));
  const auto attempt = [&]() -> Status {
    CUBE_CHECK(tree_.make_dirs("ostree"));
    CUBE_CHECK(tree_.make_dirs(".cube", 0700));
    CUBE_TRY(auto repository, Repository::open_bare(repository_of(tree_)));
    CUBE_TRY(const auto objects,
             fill_objects(repository, release, source, running, damaged, progress));
    CUBE_CHECK(lay_out(repository, release.commit, objects, tree_, progress));
    if (running == nullptr) return write_merged_paths(tree_, {});
    return take_along(repository, release.commit, *running);
  };
  CUBE_TRY(auto writeback, EarlyWriteback::begin(tree_));
  auto status = attempt();
  // The old release stays until the new one is there, for what they share. An empty slot has room:
  // that was checked.
  if (!status && status.error().code == Errc::no_space) {
    log(Level::warning, status.error().what + "; so the slot is emptied first");
    CUBE_CHECK(empty());
    status = attempt();
  }
  CUBE_CHECK(status);
  return writeback.finish();
}

Result<std::vector<std::string>> SlotTree::carried() const {
  CUBE_TRY(auto paths, read_persist_list(tree_));
  paths.insert(paths.begin(), config_.carry_over.begin(), config_.carry_over.end());
  return paths;
}

// Without the commit that it was laid out from nobody can tell what a machine changed.
Status SlotTree::take_along(const Repository& repository, const std::string& commit,
                            const RootDir& running) const {
  CUBE_TRY(const auto paths, carried());
  CUBE_CHECK(carry_over(running, tree_, paths));
  MergedPaths merged;
  CUBE_TRY(const auto seal, read_seal(running));
  if (config_.merge_etc && seal) {
    const auto old = Repository::open_bare_to_read(repository_of(running));
    const auto known = old ? old->has_commit(seal->commit) : Result<bool>(old.error());
    if (!known || !*known) {
      log(Level::warning,
          "the running slot's own release is not in its repository, so nobody can tell what was "
          "changed in /etc: only the paths of slots.carry-over go along");
      return write_merged_paths(tree_, merged);
    }
    CUBE_TRY(merged, merge_etc({*old, seal->commit}, running, {repository, commit}, tree_,
                               paths, config_.etc_conflicts));
  }
  for (const auto& path : merged.conflicts)
    log(Level::warning,
        "/" + path + " was changed on this machine and in the release; " +
            (config_.etc_conflicts == EtcSide::local ? "the machine's" : "the release's") +
            " is taken");
  return write_merged_paths(tree_, merged);
}

Status SlotTree::take_along_again(const Release& release, const RootDir& running) const {
  CUBE_TRY(const auto repository, Repository::open_bare_to_read(repository_of(tree_)));
  CUBE_CHECK(take_along(repository, release.commit, running));
  CUBE_TRY(const auto root, tree_.open_file(".", O_RDONLY | O_DIRECTORY));
  return ::syncfs(root.get()) == 0 ? ok() : Status(system_error("sync " + tree_.path()));
}

Status SlotTree::verify(const Release& release, const ProgressSink& progress,
                        std::vector<ObjectId>& damaged) const {
  CUBE_TRY(const auto merged, read_merged_paths(tree_));
  CUBE_TRY(auto paths, carried());
  Tolerance tolerance{std::move(paths), false};
  tolerance.changed.insert(tolerance.changed.end(), merged.local.begin(), merged.local.end());
  return verify(release, tolerance, progress, damaged);
}

Status SlotTree::verify_after_use(const Release& release, const ProgressSink& progress) const {
  CUBE_TRY(auto paths, carried());
  Tolerance tolerance{std::move(paths), true};
  tolerance.changed.insert(tolerance.changed.end(), written_by_systems.begin(),
                           written_by_systems.end());
  std::vector<ObjectId> damaged;
  return verify(release, tolerance, progress, damaged);
}

Result<Drift> SlotTree::drift(const std::string& commit, Look look,
                              const ProgressSink& progress) const {
  CUBE_TRY(auto tolerated, carried());
  tolerated.insert(tolerated.end(), written_by_systems.begin(), written_by_systems.end());
  CUBE_TRY(const auto repository, Repository::open_bare_to_read(repository_of(tree_)));
  return drift_of(repository, commit, tree_, tolerated, look, progress);
}

Status SlotTree::verify(const Release& release, const Tolerance& tolerance,
                        const ProgressSink& progress, std::vector<ObjectId>& damaged) const {
  CUBE_TRY(const auto root, tree_.open_file(".", O_RDONLY | O_DIRECTORY));
  if (::syncfs(root.get()) != 0) return system_error("sync " + tree_.path());
  CUBE_TRY(const auto repository, Repository::open_bare_to_read(repository_of(tree_)));
  CheckedCommit checked;
  const auto objects = repository.verify_commit(release.commit, progress, checked);
  damaged = checked.damaged;
  CUBE_CHECK(objects);
  if (!mutated("verify-skips-paths"))
    CUBE_CHECK(verify_paths(repository, release.commit, checked, tree_, tolerance));
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
