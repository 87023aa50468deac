// Inside slots/ostree only: the dirmetas of a commit, which are few, each read once.
#pragma once

#include <map>

#include "slots/ostree/object_reader.h"
#include "slots/ostree/tree_objects.h"

namespace cube {

class DirMetas {
 public:
  // Errors: corrupt.
  Result<DirMeta> load(ObjectReader& reader, const Sha256& name) {
    const auto known = read_.find(name);
    if (known != read_.end()) return known->second;
    CUBE_TRY(const auto loaded, reader.tree_object({ObjectKind::dirmeta, name}));
    CUBE_TRY(auto parsed, parse_dirmeta(loaded.get()));
    return read_.emplace(name, std::move(parsed)).first->second;
  }

 private:
  std::map<Sha256, DirMeta> read_;
};

}  // namespace cube
