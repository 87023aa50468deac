// publisher/signed.json: which timestamp the publisher signed last. It vouches, through hashes, for
// one snapshot and one list of targets, so it tells what the publisher wrote from what somebody
// else did, with whatever keys (docs/decisions/0005-trust.md).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct SignedRecord {
  std::string served;  // SHA-256 of the timestamp.json that readers see until that step; "": none
  std::string timestamp;  // the text that was signed last, and is the next for readers to see
};

// nullopt: the repository has none, as before the first publish. Errors: corrupt, failed.
Result<std::optional<SignedRecord>> read_signed_record(const RootDir& repository);
// Durable. Errors: no_space, failed.
Status write_signed_record(const RootDir& repository, const SignedRecord& record);

}  // namespace cube
