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
  std::string key;   // name in the key folder
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

// Signed by all keys at hand of both roots, and read back: it fulfils the thresholds of both.
// Errors: untrusted (keys are missing), failed.
Result<std::string> sign_next_root(const Json& body, const Root& root, const KeyFolder& keys);

}  // namespace cube
