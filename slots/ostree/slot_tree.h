// SlotTree: one slot's tree and its object store, whatever the slot is made of: a conventional root
// tree with the repository in ostree/repo and our own notes in .cube/.
//
// fill() may be repeated after being cut off anywhere. The caller guarantees that the tree is not
// the running one and carries no seal.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/root_dir.h"
#include "model/release.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/drift.h"
#include "slots/ostree/repository.h"
#include "slots/ostree/verify.h"
#include "slots/slot_pair.h"
#include "slots/slot_store.h"

namespace cube {

class SlotTree {
 public:
  // `tree` and `config` outlive it.
  SlotTree(const RootDir& tree, const SlotsConfig& config) : tree_(tree), config_(config) {}

  // Path of the repository of a slot's tree.
  [[nodiscard]] static std::string repository_of(const RootDir& tree);

  // `source.staging` is a path that needs no root. `running`: the tree to take objects and
  // carry-over from, or null. `damaged`: objects of the slot that are not to be reused. Errors:
  // no_space (before the first byte, with figures), unreachable, corrupt, failed.
  Status fill(const Release& release, const ObjectSource& source, const RootDir* running,
              const std::vector<ObjectId>& damaged, const ProgressSink& progress);

  // Once more what fill() took of the running tree: the paths that are carried over, and /etc.
  // Synced. Errors: corrupt, no_space, failed.
  Status take_along_again(const Release& release, const RootDir& running) const;

  // Every object and every path, read from the device. `damaged`: objects that make it corrupt.
  // Errors: corrupt, failed.
  Status verify(const Release& release, const ProgressSink& progress,
                std::vector<ObjectId>& damaged) const;
  // The same, but for what a running system changes (SlotStore::verify_after_use).
  Status verify_after_use(const Release& release, const ProgressSink& progress) const;
  // What is not as that commit has it, but for what verify_after_use() tolerates. Errors: as
  // drift_of().
  [[nodiscard]] Result<Drift> drift(const std::string& commit, Look look,
                                    const ProgressSink& progress) const;

 private:
  Status verify(const Release& release, const Tolerance& tolerance, const ProgressSink& progress,
                std::vector<ObjectId>& damaged) const;
  Result<std::vector<BareObject>> fill_objects(Repository& repository, const Release& release,
                                               const ObjectSource& source, const RootDir* running,
                                               const std::vector<ObjectId>& damaged,
                                               const ProgressSink& progress) const;
  Status check_space(const Release& release) const;
  Status take_along(const Repository& repository, const std::string& commit,
                    const RootDir& running) const;
  Status empty() const;
  // What is carried over into this slot: as configured, and as its release says.
  [[nodiscard]] Result<std::vector<std::string>> carried() const;

  const RootDir& tree_;
  const SlotsConfig& config_;
};

}  // namespace cube
