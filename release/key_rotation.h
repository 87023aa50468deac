// Which change of the root replaces a key, or takes one away. Pure but for reading public keys.
#pragma once

#include <string>

#include "base/result.h"
#include "keys/metadata.h"
#include "release/key_folder.h"
#include "release/root_change.h"

namespace cube {

struct Rotation {
  std::string
      old_key;  // name of the key that is replaced, or its id if the folder has no name for it
  std::string new_key;  // name of the key in its place; the folder may not have it yet
};

// `old_key` "": the only key of the role. `new_key` "": the first name after the old one's that is
// free, "targets-2" after "targets". Errors: invalid (no such role, key not in it, several keys and
// none named, a new key that is in it already), and those of KeyFolder.
Result<Rotation> rotation_of(const Root& root, const std::string& role, const Rotation& wished,
                             const KeyFolder& keys);

// Takes the key out of every role, under whatever ids it is listed. `key`: its name in the folder,
// or its id. Errors: nothing_to_do (in no role), refused (a role would fall under its threshold),
// and those of KeyFolder.
Result<RootChange> revocation_of(const Root& root, const std::string& key, const KeyFolder& keys);

}  // namespace cube
