#include "slots/ostree/etc_diff.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/mutation.h"
#include "slots/carry_over.h"
#include "slots/etc_rules.h"

namespace cube {
namespace {

constexpr int max_depth = 64;

class EtcDiff {
 public:
  EtcDiff(CommitReader old, const RootDir& local, std::optional<CommitReader> release,
          const std::vector<std::string>& carried, const RootDir& scratch)
      : old_(std::move(old)),
        release_(std::move(release)),
        local_(local),
        carried_(carried),
        scratch_(scratch) {}

  Result<EtcDifferences> run(const std::string& old_commit, const std::string& release_commit) {
    CUBE_TRY(const auto before, old_.top(old_commit));
    DirTree after;
    if (release_) {
      CUBE_TRY(after, release_->top(release_commit));
    }
    CUBE_CHECK(folder("etc", find(before, "etc").folder, find(after, "etc").folder, 0));
    std::sort(found_.begin(), found_.end(),
              [](const auto& one, const auto& two) { return one.path < two.path; });
    return std::move(found_);
  }

 private:
  // A folder that this machine has, and the release brought.
  Status folder(const std::string& path, const TreeFolder* old, const TreeFolder* release,
                int depth) {
    if (depth > max_depth) return Error{Errc::corrupt, "/" + path + " is too deep"};
    CUBE_TRY(const auto before, old_.listing(old));
    DirTree after;
    if (release_) {
      CUBE_TRY(after, release_->listing(release));
    }
    CUBE_TRY(const auto present, local_.entries(path));
    std::set<std::string> names;
    for (const auto& entry : before.files) names.insert(entry.name);
    for (const auto& entry : before.folders) names.insert(entry.name);
    for (const auto& entry : present) names.insert(entry.name);
    for (const auto& name : names) {
      const auto* here = find_name(present, name);
      if (here != nullptr && here->type == DirEntry::Type::other) continue;
      CUBE_CHECK(entry(path, name, here, find(before, name), find(after, name), depth));
    }
    return old == nullptr ? ok() : meta(path, *old, release);
  }

  Status entry(const std::string& path, const std::string& name, const DirEntry* here,
               const Has& old, const Has& release, int depth) {
    const auto child = path + "/" + name;
    const bool is_folder = here != nullptr && here->type == DirEntry::Type::folder;
    // As the merge does it: a folder that both sides added is compared, too.
    if (is_folder && old.file == nullptr && release.file == nullptr &&
        (old.folder != nullptr || release.folder != nullptr))
      return folder(child, old.folder, release.folder, depth + 1);
    const auto at = local_.below(path);
    if (!at) return at.error();
    const bool known_here = here != nullptr && !is_folder;
    if (known_here && old.file != nullptr) {
      CUBE_TRY(const bool is_old, old_.is(*old.file, *at));
      if (is_old) return ok();
    }
    EtcDifference difference;
    const bool folder_shown = here != nullptr ? is_folder : old.folder != nullptr;
    difference.path = child + (folder_shown ? "/" : "");
    difference.change = here == nullptr ? EtcChange::removed
                        : old.any()     ? EtcChange::changed
                                        : EtcChange::added;
    difference.carried = is_carried_over(child, carried_);
    if (release_ && !difference.carried) {
      bool agreed = here == nullptr && !release.any();
      if (known_here && release.file != nullptr) {
        CUBE_TRY(agreed, release_->is(*release.file, *at));
      }
      difference.conflict = clash(!same(old, release), agreed);
      const bool table = known_here && here->type == DirEntry::Type::file && old.file != nullptr &&
                         release.file != nullptr && is_account_table(child);
      if (difference.conflict && table) {
        CUBE_TRY(difference.conflict, table_clashes(child, *old.file, *release.file));
      }
    }
    found_.push_back(std::move(difference));
    return ok();
  }

  static bool clash(bool release_changed, bool agreed) {
    return choose_side(true, release_changed, agreed, EtcSide::local).conflict &&
           !mutated("config-diff-without-conflicts");
  }

  // Whether single lines do; those are told, too.
  Result<bool> table_clashes(const std::string& path, const TreeFile& old,
                             const TreeFile& release) {
    CUBE_TRY(const auto before, old_.content(old, scratch_));
    CUBE_TRY(const auto after, release_->content(release, scratch_));
    CUBE_TRY(const auto here, local_.read_file(path, max_account_table));
    const auto merged = merge_accounts(before, here, after, EtcSide::local);
    for (const auto& name : merged.conflicts)
      found_.push_back({path + ":" + name, EtcChange::changed, false, true});
    return !merged.conflicts.empty();
  }

  // Owner and mode of a folder that is on both sides.
  Status meta(const std::string& path, const TreeFolder& old, const TreeFolder* release) {
    if (!old_.keeps_owners()) return ok();
    CUBE_TRY(const auto here, local_.stat(path));
    const auto is_here = [&](const DirMeta& meta) {
      return meta.uid == here.st_uid && meta.gid == here.st_gid &&
             (meta.mode & 07777) == (here.st_mode & 07777);
    };
    CUBE_TRY(const auto before, old_.meta(old));
    if (is_here(before)) return ok();
    EtcDifference difference{path + "/", EtcChange::changed, is_carried_over(path, carried_), false};
    if (release_ && release != nullptr && !difference.carried) {
      CUBE_TRY(const auto after, release_->meta(*release));
      difference.conflict = clash(old.meta != release->meta, is_here(after));
    }
    found_.push_back(std::move(difference));
    return ok();
  }

  CommitReader old_;
  std::optional<CommitReader> release_;
  const RootDir& local_;
  const std::vector<std::string>& carried_;
  const RootDir& scratch_;
  EtcDifferences found_;
};

}  // namespace

Result<EtcDifferences> etc_differences(const CommitAt& old, const RootDir& local,
                                       const CommitAt* release,
                                       const std::vector<std::string>& carried,
                                       const RootDir& scratch) {
  if (!local.exists("etc")) return EtcDifferences{};
  CUBE_TRY(auto before, CommitReader::open(old));
  std::optional<CommitReader> after;
  if (release != nullptr) {
    CUBE_TRY(auto opened, CommitReader::open(*release));
    after.emplace(std::move(opened));
  }
  return EtcDiff(std::move(before), local, std::move(after), carried, scratch)
      .run(old.commit, release == nullptr ? "" : release->commit);
}

}  // namespace cube
