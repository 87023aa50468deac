#include "keys/freshness.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {

Status Freshness::check(const Metadata& document, const std::string& name) {
  const bool says_what_is_newest = name == "timestamp.json" || name == "snapshot.json";
  const UnixSeconds now = says_what_is_newest && believed_ ? *believed_ : now_;
  if (now < document.expires || mutated("expiry-ignored")) return ok();
  auto sentence =
      name + ": expired at " + format_utc(document.expires) + ", and it is " + format_utc(now);
  if (!accept_stale_)
    return Error{Errc::untrusted, sentence +
                                      "; check the clock, publish again, or, where nothing newer "
                                      "can be had, see --accept-stale"};
  if (std::find(accepted_.begin(), accepted_.end(), sentence) == accepted_.end())
    accepted_.push_back(std::move(sentence));
  return ok();
}

}  // namespace cube
