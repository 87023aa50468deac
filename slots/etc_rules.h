// Whose version of a file below /etc a new slot gets: the rules of the three-way merge. Pure.
//
// Old: what the running release brought. Local: what this machine made of it. Release: what the new
// release brings. Whoever changed it is heard; where both did, and differently, it is a conflict.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cube {

enum class EtcSide { release, local };

struct EtcChoice {
  EtcSide side = EtcSide::release;
  bool conflict = false;

  friend bool operator==(const EtcChoice&, const EtcChoice&) = default;
};

// Removing counts as changing. `same`: local and release are the same. `wins`: in conflicts.
[[nodiscard]] EtcChoice choose_side(bool local_changed, bool release_changed, bool same,
                                    EtcSide wins);

// passwd, group, shadow, gshadow, subuid, subgid: tables of lines that begin with a name and a
// colon, which both sides add to. Path below the root, "etc/passwd".
[[nodiscard]] bool is_account_table(std::string_view path);

struct MergedTable {
  std::string text;                    // lines in the local order, then what the release adds
  std::vector<std::string> conflicts;  // names
};
// The same rules line by line. Of lines with the same name the last counts.
[[nodiscard]] MergedTable merge_accounts(std::string_view old, std::string_view local,
                                         std::string_view release, EtcSide wins);

}  // namespace cube
