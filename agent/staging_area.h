// StagingArea: what was downloaded ahead of an update, one folder per release, named after the
// SHA-256 of its manifest: `manifest.json`, and `objects/`, which belongs to the SlotStore. Other
// names in its folder are left alone. Nothing in it is trusted: whoever reads it verifies it.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/release.h"

namespace cube {

class StagingArea {
 public:
  // `folder` is below `root`, which outlives it; it is made when the first release comes.
  StagingArea(const RootDir& root, std::string folder) : root_(root), folder_(std::move(folder)) {}

  // Where the objects of a release go. The folder may not exist.
  [[nodiscard]] std::string objects_of(const Release& release) const;

  // Durable. Errors: corrupt (not the manifest of that release), no_space, failed.
  Status keep_manifest(const Release& release, const std::string& text) const;
  // The manifest's bytes; not verified, except that they hash to the name.
  // Errors: not_found, corrupt, failed.
  [[nodiscard]] Result<std::string> manifest_of(const Release& release) const;

  // Removes what belongs to any other release; nullptr: to any. Errors: failed.
  Status drop_all_but(const Release* release) const;

 private:
  [[nodiscard]] std::string folder_of(const Release& release) const;

  const RootDir& root_;
  std::string folder_;
};

}  // namespace cube
