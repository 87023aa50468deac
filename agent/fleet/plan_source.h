// PlanSource: the rollout plan that counts here, the site's taken off it, from a repository or as
// it was believed last.
//
// What was believed is kept, exactly as it was signed, in var/lib/cube-update/fleet; it sets the
// serial below which nothing is believed, and counts while the repository is out of reach. A site's
// plan goes on counting until a newer one lifts it: a restriction never goes away by being left
// out.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"
#include "keys/release_channel.h"
#include "model/fleet/plan.h"

namespace cube::fleet {

struct PlanInForce {
  Plan plan;                      // narrowed
  std::string sha256;             // of the plan's text as it was signed, 64 hex digits
  std::uint64_t site_serial = 0;  // 0: no site's plan
};

class PlanSource {
 public:
  // `root` outlives it.
  explicit PlanSource(const RootDir& root) : root_(root) {}

  // As the repository has it now; kept. Errors: as ReleaseChannel::document(); not_found (it has
  // none), untrusted (also: a lower serial than one believed here, another text under the same
  // serial, no sense in it), refused (the site's plan would widen it), corrupt (what was kept is
  // damaged), failed.
  Result<PlanInForce> read(ReleaseChannel& channel) const;
  // What was believed last. Errors: not_found (nothing), corrupt, refused.
  [[nodiscard]] Result<PlanInForce> kept() const;

 private:
  [[nodiscard]] Result<std::optional<std::string>> kept_text(const std::string& file) const;
  template <typename T>
  Result<std::optional<std::string>> read_newer(ReleaseChannel& channel, const char* role,
                                                const char* target, const std::string& file,
                                                Result<T> (*parse)(std::string_view)) const;
  [[nodiscard]] Status keep(const std::string& file, const std::string& text) const;

  const RootDir& root_;
};

// Names of the releases that the plan believed last blocks, and why. Errors: as kept(), without
// not_found.
[[nodiscard]] Result<std::map<std::string, std::string>> blocked_by_plan(const RootDir& root);

}  // namespace cube::fleet
