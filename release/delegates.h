// Delegates: documents beside the releases, such as a rollout plan, each signed by a role of its
// own, to which the targets role delegates exactly that path. So whoever may publish a plan can
// offer no release, and the other way round.
//
// A delegated role has one key, which has the role's name in the key folder. The targets key is
// needed to delegate, and not to sign the next document.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "release/publisher.h"

namespace cube {

class Publisher::Delegates {
 public:
  // `publisher` outlives it.
  explicit Delegates(const Publisher& publisher) : publisher_(publisher) {}

  struct Wish {
    std::string role;  // "rollout"
    std::string path;  // "fleet/plan.json"
    std::string text;
    bool new_key = false;  // the role's key in the folder is another one: delegate to that
  };
  // Errors: as Publisher::publish(); nothing_to_do (published already), invalid (nothing is
  // published that a document could be beside), untrusted (the role's key is not at hand, or
  // another one than the targets role delegates to).
  Result<Publication> publish(const Wish& wish, UnixSeconds now,
                              std::optional<std::uint64_t> days = {}) const;
  // nullopt: none. Errors: as ReleaseRepository::published().
  [[nodiscard]] Result<std::optional<std::string>> published(const std::string& role,
                                                             const std::string& path,
                                                             std::size_t max_bytes) const;

 private:
  friend class Publisher;
  // The documents of all delegated roles whose keys are at hand under the role's name, signed anew;
  // what other programs delegated stays as it is.
  [[nodiscard]] Result<std::vector<Document>> renewed(const Run& run) const;
  // `before`: the `signed` part of the list before, of which the targets are replaced.
  [[nodiscard]] Result<Document> signed_list(const Run& run, const DelegatedRole& role,
                                             const Keys& known, Json::Object before,
                                             Json::Object targets) const;
  // The list of targets with a delegation to that key in place of any that the role has.
  [[nodiscard]] Result<Document> delegating(const Run& run, const Wish& wish,
                                            const NamedKey& key) const;

  const Publisher& publisher_;
};

}  // namespace cube
