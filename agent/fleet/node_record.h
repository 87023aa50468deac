// NodeRecord: what a machine shows the others of its cluster, in node/NAME of the store: for
// people, and for the order in which machines go (model/fleet/order.h).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/fleet/order.h"

namespace cube::fleet {

// What becomes of a machine.
struct NodeStatus {
  std::string release;  // that runs; "": not known
  std::string phase;    // of an update (model/journal.h)
  std::string target;   // release of that update; "": none
  std::string says;     // what it waits for, or what came of its last update; one line

  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

struct NodeRecord {
  std::string node;
  NodeStatus status;
  std::string domain;
  std::set<std::string> roles;
  std::string hardware;
  std::uint32_t order = default_order;
  UnixSeconds at = 0;  // by that machine's clock

  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

// Errors: corrupt.
[[nodiscard]] Result<NodeRecord> read_record(const std::string& node, std::string_view value);
// `says` is cut to 200 bytes.
[[nodiscard]] std::string render(const NodeRecord& record);

}  // namespace cube::fleet
