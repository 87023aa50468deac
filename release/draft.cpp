#include "release/draft.h"

#include <algorithm>

#include "base/digest.h"
#include "release/signed_metadata.h"

namespace cube {

Result<std::string> role_of_draft(const std::string& draft) {
  CUBE_TRY(auto body, signed_part(draft));
  const auto type = body.find("_type");
  if (type != body.end()) {
    CUBE_TRY(auto role, type->second.string());
    if (role == "root" || role == "targets") return role;
  }
  return Error{Errc::corrupt, "draft: is neither a root nor a list of targets"};
}

Result<Metadata> parse_draft(const std::string& draft) {
  CUBE_TRY(const auto role, role_of_draft(draft));
  if (role == "root") {
    CUBE_TRY(auto root, parse_root(draft));
    return Metadata(std::move(root));
  }
  CUBE_TRY(auto targets, parse_targets(draft));
  return Metadata(std::move(targets));
}

Result<std::string> add_signatures(const std::string& draft, const std::vector<PrivateKey>& keys) {
  CUBE_TRY(const auto parsed, parse_draft(draft));
  CUBE_TRY(const Json document, Json::parse(draft, {max_targets_bytes, 16}));
  CUBE_TRY(auto members, document.object());
  CUBE_TRY(auto signatures, members["signatures"].array());
  for (const auto& key : keys) {
    const bool there = std::any_of(parsed.signatures.begin(), parsed.signatures.end(),
                                   [&](const Signature& made) { return made.key_id == key.id(); });
    if (there) continue;
    CUBE_TRY(const auto bytes, key.sign(parsed.covered));
    signatures.push_back(
        Json::Object{{"keyid", key.id()}, {"sig", to_hex(bytes.data(), bytes.size())}});
  }
  members["signatures"] = std::move(signatures);
  return Json(std::move(members)).pretty();
}

}  // namespace cube
