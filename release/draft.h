// A document that is carried from one holder of a key to the next until enough have signed it: the
// next root, or the next list of targets.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "keys/metadata.h"
#include "release/private_key.h"

namespace cube {

// "root" or "targets". Errors: corrupt (another document, or none).
Result<std::string> role_of_draft(const std::string& draft);
// What both have in common. Errors: corrupt.
Result<Metadata> parse_draft(const std::string& draft);
// The draft with the signatures of these keys besides those that it has. Errors: corrupt, failed.
Result<std::string> add_signatures(const std::string& draft, const std::vector<PrivateKey>& keys);

}  // namespace cube
