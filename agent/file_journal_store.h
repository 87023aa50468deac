// FileJournalStore: the journal in two files, STATE/journal.0 and journal.1. A save replaces the
// older one; the newest that is whole wins. A cut, or damage to one file, costs at most one step,
// and every step is repeatable.
#pragma once

#include <string>

#include "agent/journal_store.h"
#include "base/root_dir.h"

namespace cube {

class FileJournalStore final : public JournalStore {
 public:
  // `folder` (var/lib/cube-update) is below root and is made when it is missing.
  FileJournalStore(const RootDir& root, std::string folder)
      : root_(root), folder_(std::move(folder)) {}

  [[nodiscard]] Result<Journal> load() const override;
  Status save(const Journal& journal) override;

  // Moves damaged files aside as journal.N.damaged, for when load() said corrupt; what they held is
  // lost to the agent but not to the operator. Errors: failed.
  Status set_damaged_aside();

 private:
  struct Copies;
  [[nodiscard]] Copies read_copies() const;
  [[nodiscard]] std::string file(int index) const;

  const RootDir& root_;
  std::string folder_;
};

}  // namespace cube
