// One metadata document by itself, as on a desk: what it is, and whether the trusted root of this
// machine vouches for it. Pure. Not a step of the client's workflow, which TufClient does whole.
#pragma once

#include <string>

#include "keys/freshness.h"
#include "keys/signing.h"

namespace cube {

struct LoneDocument {
  Signing signing;      // by the keys that the trusted root gives to its role; of a root, its own
  std::string doubt{};  // why it is not believed; "": it is
};

// By its `_type`. A delegated targets document is not known to the root, so it is in doubt.
// Errors: untrusted (damaged, no metadata), failed.
Result<LoneDocument> inspect_document(const std::string& text, const Root& trusted,
                                      Freshness freshness);

}  // namespace cube
