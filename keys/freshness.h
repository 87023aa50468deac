// Freshness: judges every expiry of one run against one time.
#pragma once

#include <optional>
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

  // For a machine whose repository is out of reach: metadata was believed last at `believed`. What
  // says that nothing newer exists (timestamp, snapshot) is judged as of then; who may sign, and
  // what a release is, must not have expired since either.
  static Freshness since(UnixSeconds believed, UnixSeconds now, bool accept_stale) {
    Freshness freshness(now, accept_stale);
    freshness.believed_ = believed;
    return freshness;
  }

  // Ok when the document has not expired, or when that is accepted. `name` is for the message.
  // Errors: untrusted.
  Status check(const Metadata& document, const std::string& name);

  // A sentence for each expired document that was accepted.
  [[nodiscard]] const std::vector<std::string>& accepted() const { return accepted_; }

 private:
  UnixSeconds now_;
  std::optional<UnixSeconds> believed_;
  bool accept_stale_;
  std::vector<std::string> accepted_;
};

}  // namespace cube
