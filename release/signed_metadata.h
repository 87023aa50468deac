// The documents of a repository as text, signed with the keys at hand. Pure but for reading keys.
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

// The first four members of `signed`.
struct DocumentHead {
  std::string type;  // "root", "timestamp", "snapshot" or "targets"
  std::uint64_t version = 1;
  UnixSeconds expires = 0;
};

struct RoleKeys {
  std::vector<NamedKey> keys;
  std::uint64_t threshold = 1;
};

[[nodiscard]] Json root_body(const DocumentHead& head,
                             const std::map<std::string, RoleKeys>& roles);
// The `signed` part of a document, from which the next version of it is made. Errors: corrupt.
Result<Json::Object> signed_part(const std::string& text);
// `targets` by their whole names ("releases/NAME/manifest.json"). `before`: the `signed` part of
// the version before, or nothing; delegations and members that are not known here stay as they are.
[[nodiscard]] Json targets_body(const DocumentHead& head, Json::Object before,
                                Json::Object targets);
// How the targets role describes a file.
[[nodiscard]] Json target_file(const std::string& content);
// Of "timestamp" and "snapshot", which describe the document `text` of role `described`. `before`
// as in targets_body(); what a snapshot says of delegated roles stays as it is. Errors: corrupt.
Result<Json> meta_body(const DocumentHead& head, Json::Object before, const std::string& described,
                       std::uint64_t version, const std::string& text);

// The private ones of these keys that are at hand. Errors: those of KeyFolder.
Result<std::vector<PrivateKey>> signers_among(const KeyFolder& keys,
                                              const std::vector<std::string>& ids);
// The private keys of `role` in `root` that are at hand. Errors: those of KeyFolder.
Result<std::vector<PrivateKey>> signers_of(const KeyFolder& keys, const Root& root,
                                           const std::string& role);
// The finished document. Errors: untrusted (fewer keys at hand than the role's threshold), failed.
Result<std::string> sign_document(const Json& body, const KeyFolder& keys, const Root& root,
                                  const std::string& role);
// {"signed": body, "signatures": [...]} by exactly these keys. Errors: failed.
Result<std::string> sign_with(const Json& body, const std::vector<PrivateKey>& signers);

}  // namespace cube
