// What a machine made of the /etc that its release brought. Pure values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cube {

enum class EtcChange { added, changed, removed };
[[nodiscard]] constexpr std::string_view to_string(EtcChange change) {
  if (change == EtcChange::added) return "added";
  return change == EtcChange::changed ? "changed" : "removed";
}

struct EtcDifference {
  std::string path;  // below the root; a folder ends with '/', and nothing below it is told that
                     // is added or removed with it
  EtcChange change{};
  bool carried = false;   // goes to a new slot as it is, whatever the release has
  bool conflict = false;  // the other release changed the same, and differently

  friend bool operator==(const EtcDifference&, const EtcDifference&) = default;
};

// Sorted by path. A conflict in one line of an account table has the path "etc/passwd:NAME", besides
// the table's own.
using EtcDifferences = std::vector<EtcDifference>;

}  // namespace cube
