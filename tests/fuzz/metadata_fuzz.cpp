// Metadata from anybody: no crash, all bounds hold, and no document is signed by keys it brings
// itself unless it is a root.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "keys/delegation_walk.h"
#include "keys/metadata.h"

namespace {

// A root without any key: nothing can ever be signed for it.
bool signed_by_nobody(const cube::Metadata& document, const std::string& role) {
  cube::Root root;
  root.roles[role].threshold = 1;
  return check_signatures(document, root, role).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto root = cube::parse_root(text)) {
    if (root->version == 0 || root->keys.size() > 64 || root->roles.size() != 4) std::abort();
    (void)cube::check_signatures(*root, *root, "root");
  }
  const auto timestamp = cube::parse_timestamp(text);
  if (timestamp && (timestamp->snapshot.version == 0 || signed_by_nobody(*timestamp, "timestamp")))
    std::abort();
  const auto snapshot = cube::parse_snapshot(text);
  if (snapshot && (snapshot->targets.version == 0 || signed_by_nobody(*snapshot, "snapshot")))
    std::abort();
  const auto targets = cube::parse_targets(text);
  if (!targets) return 0;
  if (targets->files.size() > 4096 || signed_by_nobody(*targets, "targets")) std::abort();
  for (const auto& [name, file] : targets->releases)
    if (name.find('/') != std::string::npos || file.sha256.size() + file.sha512.size() < 64)
      std::abort();
  for (const auto& role : targets->delegated) {
    if (role.name.empty() || role.name == "targets" || role.threshold == 0) std::abort();
    for (const auto& [path, file] : targets->files) (void)cube::covers(role, path);
  }
  return 0;
}
