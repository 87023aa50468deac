// RootChange: what the next root says differently from the present one. Without changes the next
// root is the same with a later expiry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "keys/metadata.h"
#include "release/key_folder.h"

namespace cube {

struct KeyOfRole {
  std::string role;  // "root", "timestamp", "snapshot" or "targets"
  std::string key;   // name in the key folder; to remove, the id will do
};

struct RootChange {
  std::vector<KeyOfRole> add;
  std::vector<KeyOfRole> remove;
  std::map<std::string, std::uint64_t> thresholds;  // by role
};

// The `signed` part of the root after `root`. Errors: invalid (no such role, key listed already or
// not listed, a threshold that the keys cannot meet, nothing left), and those of KeyFolder.
Result<Json> next_root_body(const Root& root, const RootChange& change, const KeyFolder& keys,
                            UnixSeconds expires);

// A draft of the next root: signed by all keys at hand of both roots, which may be too few yet.
// Errors: those of KeyFolder.
Result<std::string> draft_next_root(const Json& body, const Root& root, const KeyFolder& keys);

// The id of a key that is named by that id, as the role lists it, or by its name in the folder.
// Errors: those of KeyFolder::find().
Result<std::string> id_of_key(const std::string& key, const Role& role, const KeyFolder& keys);

// Ok when machines that believe `root` will follow: the next version, and enough signatures for
// both. Errors: invalid (another version), untrusted (signatures are missing: how many).
Status check_next_root(const Root& next, const Root& root);

}  // namespace cube
