// What the publisher decided once for a repository: publisher/settings.json. Readers do not need
// it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// How long a signature is believed, in days. The timestamp's is the time for which a machine can be
// kept from hearing of newer releases; it must be renewed within it (cube-release renew).
struct Lifetimes {
  std::uint64_t root = 3650;
  std::uint64_t targets = 365;
  std::uint64_t snapshot = 365;
  std::uint64_t timestamp = 90;
};

struct Settings {
  std::string product;  // the first part of every release name
  std::string keys;     // the key folder; "": beside the repository, with ".keys" after its name
  Lifetimes lifetimes;
};

// Errors: corrupt, failed.
Result<Settings> read_settings(const RootDir& repository);
// Errors: no_space, failed.
Status write_settings(const RootDir& repository, const Settings& settings);
// [A-Za-z0-9+-]+, as release names have it. Errors: invalid.
Status check_product(const std::string& product);

}  // namespace cube
