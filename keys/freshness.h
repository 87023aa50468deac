// Freshness: judges every expiry of one run against one time.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/metadata.h"

namespace cube {

class Freshness {
 public:
  // `accept_stale`: an operator's explicit wish, for a site that cannot get newer documents.
  explicit Freshness(UnixSeconds now, bool accept_stale = false)
      : now_(now), accept_stale_(accept_stale) {}

  // Ok when the document has not expired, or when that is accepted. `name` is for the message.
  // Errors: untrusted.
  Status check(const Metadata& document, const std::string& name);

  // A sentence for each expired document that was accepted.
  [[nodiscard]] const std::vector<std::string>& accepted() const { return accepted_; }

 private:
  UnixSeconds now_;
  bool accept_stale_;
  std::vector<std::string> accepted_;
};

}  // namespace cube
