// Order: which machines of a cluster go before which others, by what they show of themselves.
// Unlike the gate's rules it is not guarded by a transaction: a machine that shows itself too late
// is not waited for. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "model/fleet/gate.h"

namespace cube::fleet {

inline constexpr std::uint32_t canary_order = 0;  // goes first; its failure halts the cluster
inline constexpr std::uint32_t default_order = 5;
inline constexpr std::uint32_t last_order = 9;

// The role of those that the cluster's store runs on.
inline constexpr const char* store_role = "etcd";

// Another machine of the cluster.
struct Fellow {
  std::string node;
  std::uint32_t order = default_order;
  std::string release;  // that runs there; "": not known, so it is still to come
  std::set<std::string> roles;
};

struct InOrder {
  std::uint32_t order = default_order;
  bool leads_store = false;   // this machine's member of the store is its leader
  bool renews_store = false;  // the release brings another minor version of the store
};

// Whom this machine waits for, one line; "": nobody. Machines of a lower order go first; the leader
// of the store goes after its other members; and where a release brings a store that cannot be gone
// back from once all members have it, its last member goes after all other machines. A machine is
// waited for until it runs that release or a newer one and holds no place, or has failed.
[[nodiscard]] std::string goes_after(const std::vector<Fellow>& fellows, const GateFacts& facts,
                                     const Candidate& candidate, const InOrder& mine);

}  // namespace cube::fleet
