// KnownFetcher: a repository made of what this machine knows of it, for when the real one is out of
// reach: the metadata that earlier runs persisted, and the manifest of one release. As from any
// fetcher, nothing that it returns is trusted.
#pragma once

#include <string>
#include <utility>

#include "base/root_dir.h"
#include "keys/metadata_fetcher.h"

namespace cube {

class KnownFetcher final : public MetadataFetcher {
 public:
  // `root` outlives it; `state` is TufStore's folder. `manifest` answers for every target.
  KnownFetcher(const RootDir& root, std::string state, std::string manifest)
      : root_(root), state_(std::move(state)), manifest_(std::move(manifest)) {}
  Result<std::string> get(const std::string& path, std::size_t max_bytes) override;

 private:
  const RootDir& root_;
  std::string state_;
  std::string manifest_;
};

}  // namespace cube
