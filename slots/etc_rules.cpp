#include "slots/etc_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/mutation.h"

namespace cube {
namespace {

struct Table {
  std::vector<std::string> names;            // in the order of their first lines
  std::map<std::string, std::string> lines;  // name -> line

  [[nodiscard]] std::optional<std::string> line_of(const std::string& name) const {
    const auto at = lines.find(name);
    if (at == lines.end()) return std::nullopt;
    return at->second;
  }
};

// A line without a colon is its own name.
Table table_of(std::string_view text) {
  Table table;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) continue;
    const std::string name(line.substr(0, line.find(':')));
    if (!table.lines.contains(name)) table.names.push_back(name);
    table.lines[name] = line;
  }
  return table;
}

}  // namespace

EtcChoice choose_side(bool local_changed, bool release_changed, bool same, EtcSide wins) {
  if (!local_changed || same) return {EtcSide::release, false};
  if (mutated("etc-local-changes-lost")) return {EtcSide::release, false};
  if (!release_changed) return {EtcSide::local, false};
  return {wins, !mutated("etc-conflicts-not-told")};
}

bool is_account_table(std::string_view path) {
  constexpr std::array<std::string_view, 6> tables{"etc/passwd",  "etc/group",  "etc/shadow",
                                                   "etc/gshadow", "etc/subuid", "etc/subgid"};
  return std::find(tables.begin(), tables.end(), path) != tables.end();
}

MergedTable merge_accounts(std::string_view old, std::string_view local, std::string_view release,
                           EtcSide wins) {
  const Table before = table_of(old), here = table_of(local), there = table_of(release);
  std::vector<std::string> names = here.names;
  for (const auto& name : there.names)
    if (!here.lines.contains(name)) names.push_back(name);
  MergedTable merged;
  for (const auto& name : names) {
    const auto was = before.line_of(name), mine = here.line_of(name), theirs = there.line_of(name);
    const auto choice = choose_side(mine != was, theirs != was, mine == theirs, wins);
    if (choice.conflict) merged.conflicts.push_back(name);
    const auto& line = choice.side == EtcSide::local ? mine : theirs;
    if (line) merged.text += *line + "\n";
  }
  return merged;
}

}  // namespace cube
