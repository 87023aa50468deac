// verify_repository: what a machine would say of a repository, asked through the machine's own
// client with a fresh memory.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/signing.h"
#include "model/release.h"

namespace cube {

struct VerifyOptions {
  std::string trusted_root;  // the file baked into images; "": the repository's own 1.root.json
  bool quick = false;        // of the trees only the commits
};

struct VerifiedRepository {
  std::vector<Signing> signings;  // who answers for the metadata, and until when
  std::vector<Release> releases;
};

// All releases, sorted from old to new, after checking the metadata, every manifest, and that the
// commit of each is in repo/ with the right checksum. In a folder, every object of the trees and every
// byte of the packs, too, unless `quick`; of a URL, the machine checks them while it fetches. `place`: an absolute path or
// a URL.
// Errors: untrusted, corrupt, unreachable, nothing_to_do (nothing published), invalid (place),
// failed.
Result<VerifiedRepository> verify_repository(const std::string& place, const VerifyOptions& options,
                                             const Clock& clock);

}  // namespace cube
