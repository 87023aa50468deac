// ReleaseShare: brings the pack that this machine uses for an update into its ShareFolder:
// downloads all of it, into the staging folder, from where the update takes what it needs; so
// nothing is fetched twice. What others need besides, as a delta from another release, they get
// elsewhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/share/share_folder.h"
#include "base/progress.h"
#include "model/release.h"
#include "slots/slot_store.h"

namespace cube {

class ReleaseShare {
 public:
  // Commits that are whole in a slot of this machine.
  using CommitsHere = std::function<std::vector<std::string>()>;

  // `root` outlives it.
  ReleaseShare(const RootDir& root, ShareConfig config, CommitsHere commits_here)
      : root_(root), folder_(root, std::move(config)), commits_here_(std::move(commits_here)) {}

  // `repository`: URL of the folder that `source` is in; `manifest` is at `manifest_url` there.
  // Errors: no_space (a limit, the disk), not_found (no pack for this machine), those of
  // get_whole_pack().
  Status bring(const Release& release, const ObjectSource& source, const std::string& repository,
               const std::string& manifest_url, const std::string& manifest,
               const ProgressSink& progress);
  // As ShareFolder::add_metadata.
  Status bring_metadata() { return folder_.add_metadata(); }

 private:
  const RootDir& root_;
  ShareFolder folder_;
  CommitsHere commits_here_;
};

}  // namespace cube
