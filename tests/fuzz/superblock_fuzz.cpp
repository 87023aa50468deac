// Superblocks, whatever is in them: a type always, and features that have names.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/fit/filesystem_features.h"
#include "slots/superblock.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cube::demand;
  const auto found = cube::parse_superblock({reinterpret_cast<const char*>(data), size});
  if (!found) return 0;
  demand(found->type == "ext4" || found->type == "xfs");
  for (const auto& feature : cube::insight::features_of(*found)) demand(!feature.name.empty());
  return 0;
}
