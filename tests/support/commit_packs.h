// Packs of the commits of an archive repository, for repositories that a TufSigner publishes. Small
// ones, for they are kept in memory.
#pragma once

#include <string>

#include "model/release.h"

namespace cube {

struct CommitPack {
  Pack pack;
  std::string bytes;  // of its file
};

// All objects of the commit. What fails is an exception.
CommitPack full_pack_of(const std::string& repository, const std::string& commit);
// What the older commit lacks; a file under a path that the older one has, too, is made of that
// one.
CommitPack delta_of(const std::string& repository, const std::string& older,
                    const std::string& commit);

}  // namespace cube
