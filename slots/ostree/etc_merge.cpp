#include "slots/ostree/etc_merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/io.h"
#include "slots/carry_over.h"
#include "slots/ostree/commit_reader.h"

namespace cube {
namespace {

constexpr int max_depth = 64;

class EtcMerge {
 public:
  EtcMerge(CommitReader old, const RootDir& local, CommitReader release, const RootDir& target,
           const std::vector<std::string>& excepted, EtcSide wins)
      : old_(std::move(old)),
        release_(std::move(release)),
        local_(local),
        target_(target),
        excepted_(excepted),
        wins_(wins) {}

  Result<MergedPaths> run(const std::string& old_commit, const std::string& release_commit) {
    const auto before = known(old_.top(old_commit));
    CUBE_TRY(const auto after, release_.top(release_commit));
    CUBE_CHECK(folder("etc", find(before, "etc").folder, find(after, "etc").folder, 0));
    std::sort(merged_.local.begin(), merged_.local.end());
    std::sort(merged_.conflicts.begin(), merged_.conflicts.end());
    return merged_;
  }

 private:
  // A folder that this machine has.
  Status folder(const std::string& path, const TreeFolder* old, const TreeFolder* release,
                int depth) {
    if (depth > max_depth) return Error{Errc::corrupt, "/" + path + " is too deep"};
    const auto before = known(old_.listing(old));
    CUBE_TRY(const auto after, release_.listing(release));
    CUBE_TRY(const auto present, local_.entries(path));
    std::set<std::string> names;
    for (const auto* tree : {&before, &after}) {
      for (const auto& entry : tree->files) names.insert(entry.name);
      for (const auto& entry : tree->folders) names.insert(entry.name);
    }
    for (const auto& entry : present) names.insert(entry.name);
    CUBE_CHECK(make_way(path, release != nullptr));
    if (target_.exists(path)) {  // what an earlier merge chose
      CUBE_TRY(const auto chosen, target_.list(path));
      names.insert(chosen.begin(), chosen.end());
    }
    for (const auto& name : names) {
      const auto child = path + "/" + name;
      if (is_carried_over(child, excepted_)) continue;
      const auto* here = find_name(present, name);
      if (here != nullptr && here->type == DirEntry::Type::other) continue;
      CUBE_CHECK(entry(path, name, here, find(before, name), find(after, name), depth));
    }
    return release == nullptr ? dropped(path) : meta(path, old, *release);
  }

  // For a folder, where an earlier merge may have chosen a file.
  Status make_way(const std::string& path, bool needed) {
    if (target_.open_file(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)) return ok();
    CUBE_CHECK(target_.remove_tree(path));
    return needed ? target_.make_dirs(path) : ok();
  }

  // A folder that the release no longer has stays for what this machine keeps in it.
  Status dropped(const std::string& path) {
    if (!target_.exists(path)) return ok();
    CUBE_TRY(const auto kept, target_.list(path));
    if (kept.empty()) return target_.remove_tree(path);
    merged_.local.push_back(path);
    CUBE_TRY(const auto here, local_.stat(path));
    return set_meta(path, here.st_uid, here.st_gid, here.st_mode);
  }

  Status entry(const std::string& path, const std::string& name, const DirEntry* here,
               const Has& old, const Has& release, int depth) {
    const auto child = path + "/" + name;
    const bool is_folder = here != nullptr && here->type == DirEntry::Type::folder;
    if (is_folder && old.file == nullptr && release.file == nullptr &&
        (old.folder != nullptr || release.folder != nullptr))
      return folder(child, old.folder, release.folder, depth + 1);
    CUBE_TRY(const bool changed, local_changed(path, here, old));
    CUBE_TRY(const bool agreed, agree(path, here, release));
    const auto choice = choose_side(changed, !same(old, release), agreed, wins_);
    const bool three = old.file != nullptr && release.file != nullptr && here != nullptr &&
                       here->type == DirEntry::Type::file;
    if (choice.conflict && three && is_account_table(child))
      return table(child, *old.file, *release.file);
    if (choice.conflict) merged_.conflicts.push_back(child);
    return choice.side == EtcSide::local ? take_local(child)
                                         : take_release(path, name, release, depth + 1);
  }

  // Of what is not a folder on both sides.
  Result<bool> local_changed(const std::string& path, const DirEntry* here, const Has& old) {
    if (here == nullptr) return old.any();
    if (old.file == nullptr) return true;
    CUBE_TRY(const auto at, local_.below(path));
    const auto is_old = old_.is(*old.file, at);
    return !is_old || !*is_old;
  }

  Result<bool> agree(const std::string& path, const DirEntry* here, const Has& release) {
    if (here == nullptr || release.file == nullptr) return here == nullptr && !release.any();
    CUBE_TRY(const auto at, local_.below(path));
    return release_.is(*release.file, at);
  }

  // Also that it is not there.
  Status take_local(const std::string& path) {
    merged_.local.push_back(path);
    CUBE_CHECK(target_.remove_tree(path));
    return carry_over(local_, target_, {path});
  }

  // What it is from the start, unless an earlier merge chose otherwise.
  Status take_release(const std::string& path, const std::string& name, const Has& release,
                      int depth) {
    if (depth > max_depth) return Error{Errc::corrupt, "/" + path + " is too deep"};
    const auto child = path + "/" + name;
    if (release.folder != nullptr) return take_release_folder(child, *release.folder, depth);
    if (release.file == nullptr) return target_.remove_tree(child);
    CUBE_TRY(const auto at, target_.below(path));
    CUBE_TRY(const bool right, release_.is(*release.file, at));
    if (right) return ok();
    CUBE_CHECK(at.remove_tree(name));
    return release_.copier().copy(release.file->object, at, name);
  }

  Status take_release_folder(const std::string& path, const TreeFolder& release, int depth) {
    CUBE_CHECK(make_way(path, true));
    CUBE_TRY(const auto listing, release_.listing(&release));
    for (const auto& file : listing.files)
      CUBE_CHECK(take_release(path, file.name, {&file, nullptr}, depth));
    for (const auto& below : listing.folders)
      CUBE_CHECK(take_release(path, below.name, {nullptr, &below}, depth + 1));
    CUBE_TRY(const auto wanted, release_.meta(release));
    return set_meta(path, wanted.uid, wanted.gid, wanted.mode);
  }

  Status table(const std::string& path, const TreeFile& old, const TreeFile& release) {
    const auto before = content(old_, old);
    CUBE_TRY(const auto after, content(release_, release));
    CUBE_TRY(const auto here, local_.read_file(path, max_account_table));
    const auto merged = merge_accounts(before ? *before : "", here, after, wins_);
    for (const auto& name : merged.conflicts) merged_.conflicts.push_back(path + ":" + name);
    CUBE_CHECK(take_local(path));  // with its owner and mode
    CUBE_TRY(const auto file, target_.open_file(path, O_WRONLY | O_TRUNC | O_NOFOLLOW));
    return write_all(file, merged.text);
  }

  Result<std::string> content(const CommitReader& commit, const TreeFile& file) const {
    CUBE_TRY(const auto place, target_.below(".cube"));
    return commit.content(file, place);
  }

  // Owner and mode of a folder that is on both sides.
  Status meta(const std::string& path, const TreeFolder* old, const TreeFolder& release) {
    if (!release_.keeps_owners()) return ok();
    CUBE_TRY(const auto here, local_.stat(path));
    const auto is_here = [&](const DirMeta& meta) {
      return meta.uid == here.st_uid && meta.gid == here.st_gid &&
             (meta.mode & 07777) == (here.st_mode & 07777);
    };
    bool changed = true;
    if (old != nullptr) {
      const auto before = old_.meta(*old);
      changed = !before || !is_here(*before);
    }
    CUBE_TRY(const auto after, release_.meta(release));
    const bool moved = old == nullptr || old->meta != release.meta;
    const auto choice = choose_side(changed, moved, is_here(after), wins_);
    if (choice.conflict) merged_.conflicts.push_back(path);
    if (choice.side == EtcSide::release) return set_meta(path, after.uid, after.gid, after.mode);
    merged_.local.push_back(path + own_meta);
    return set_meta(path, here.st_uid, here.st_gid, here.st_mode);
  }

  Status set_meta(const std::string& path, std::uint32_t uid, std::uint32_t gid,
                  std::uint32_t mode) const {
    if (!release_.keeps_owners()) return ok();
    CUBE_TRY(const auto fd, target_.open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("stat /" + path);
    if (st.st_uid == uid && st.st_gid == gid && (st.st_mode & 07777) == (mode & 07777)) return ok();
    if (::fchown(fd.get(), uid, gid) != 0) return system_error("owner of /" + path);
    if (::fchmod(fd.get(), mode & 07777) != 0) return system_error("mode of /" + path);
    return ok();
  }

  CommitReader old_, release_;
  const RootDir& local_;
  const RootDir& target_;
  const std::vector<std::string>& excepted_;
  EtcSide wins_;
  MergedPaths merged_;
};

}  // namespace

Result<MergedPaths> merge_etc(const CommitAt& old, const RootDir& local, const CommitAt& release,
                              const RootDir& target, const std::vector<std::string>& excepted,
                              EtcSide wins) {
  if (!local.exists("etc")) return MergedPaths{};
  CUBE_TRY(auto before, CommitReader::open(old));
  CUBE_TRY(auto after, CommitReader::open(release));
  return EtcMerge(std::move(before), local, std::move(after), target, excepted, wins)
      .run(old.commit, release.commit);
}

}  // namespace cube
