// The archive of systemd-pstore: /var/lib/systemd/pstore, where it puts the records that it takes
// out of the kernel's store early in a boot. Only read here, never changed.
//
// As systemd 252 lays it out: EFI records in EPOCH/, those of ERST in NUMBER/, whatever else on
// top, under the names that they had; dmesg.txt, which it makes of them, says nothing new.
#pragma once

#include <string>
#include <vector>

#include "base/root_dir.h"

namespace cube {

struct ArchivedRecord {
  std::string path;      // below the root
  std::string name;      // dmesg-...
  std::string identity;  // 32 hex digits; another one for another record under the same path
};

inline constexpr std::size_t max_archived = 512;

// In the order of their paths. Folders are visited three deep, links are not followed. Errors:
// not_found (no archive), corrupt (more than max_archived), failed.
[[nodiscard]] Result<std::vector<ArchivedRecord>> archived_records(const RootDir& root);

}  // namespace cube
