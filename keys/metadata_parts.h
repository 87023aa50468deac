// The parts that documents of TUF are made of. Errors of all: corrupt (form, bounds).
#pragma once

#include <string>

#include "keys/metadata.h"

namespace cube {

// Fills what all documents have in common; returns `signed`.
Result<Json> parse_head(Metadata& into, const std::string& text, const std::string& type,
                        std::size_t max_bytes);
// {"KEYID": key, ...} at `keys` of a root or of delegations, and a role over them: every id it
// lists is one of `json`'s.
Result<Keys> parse_keys(const Json& json);
Status parse_role(Role& into, const Json& json, const Json& keys);
// {"version":, "length":, "hashes":}, the last two optional.
Result<MetaFile> parse_meta_file(const Json& json);
Result<TargetFile> parse_target_file(const Json& json);
// `delegations` of a targets document.
Status parse_delegations(Targets& into, const Json& json);
// A name that a delegated role may have. Errors: corrupt.
Status check_role_name(const std::string& name);

}  // namespace cube
