// compose_release: from a root file system to a pending release of a repository.
//
// The same tree, version, build time and epoch give the same release, bit for bit. The release has
// a file more than its tree, its inventory (insight/inventory/inventory.h), and one more with
// waivers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "insight/locks/waiver.h"
#include "model/release.h"
#include "release/publisher.h"
#include "slots/ostree/compose/expanded_members.h"

namespace cube {

struct ComposeRequest {
  std::string tree;     // a folder, or a tar archive
  std::string version;  // "2.2.4"
  std::string built;    // YYYYMMDD-HHMM, UTC; "": now
  std::string source;   // 4 to 40 hex digits; "": the first 8 of the tree's commit
  std::uint64_t epoch = 0;
  std::int64_t trial_deadline = 0;  // seconds; 0: the machine's default
  std::uint64_t schema = 0;         // of the state that it keeps on a machine (Release::schema)
  bool keep_owners = false;         // false: everything in the tree belongs to 0:0
  ExpandOptions expand = {};        // what the release holds uncompressed
  std::string locks = {};           // file with the rules it must keep; "": the repository's
  insight::Waivers waivers = {};    // of it; given at its build time, by the publisher
  // Told what it breaks and is let through, and what could not be checked.
  std::function<void(const insight::Finding&)> on_finding = [](const insight::Finding&) {};
};

// Commits the tree to repo/ under the branch PRODUCT/VERSION_BUILT and adds the release. The
// request is checked before the tree is read. Errors: invalid (request, tree, locks), not_found
// (tree), refused (it breaks a rule), and those of Publisher::add_release().
Result<Release> compose_release(const Publisher& publisher, const ComposeRequest& request,
                                UnixSeconds now);

}  // namespace cube
