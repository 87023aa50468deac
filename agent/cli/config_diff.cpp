// cube-update config-diff: what a machine made of the /etc that its release brought.
#include <fmt/format.h>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/lock.h"
#include "base/json.h"

namespace cube::cli {
namespace {

// An update whose release is in the other slot, and to which /etc is still to go.
bool pends(const Phase& phase) {
  return std::holds_alternative<Staged>(phase) || std::holds_alternative<Arming>(phase) ||
         std::holds_alternative<Armed>(phase);
}

std::string remark(const EtcDifference& difference, bool local_wins) {
  if (difference.carried) return "  (goes along as it is)";
  if (!difference.conflict) return "";
  return std::string("  (conflict: the new release changed it, too; ") +
         (local_wins ? "this machine's" : "the release's") + " is taken)";
}

}  // namespace

Result<int> config_diff(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  CUBE_TRY(const auto journal, appliance->journal().load());
  const bool pending = pends(journal.phase);
  CUBE_TRY(const auto differences, appliance->slots().etc_differences(pending));
  const bool local_wins = appliance->config().config.etc_conflicts == "local";
  const std::string release = pending ? update_of(journal.phase)->release.name.text : "";
  if (common.json) {
    Json::Array list;
    for (const auto& found : differences)
      list.push_back(Json(Json::Object{{"path", "/" + found.path},
                                       {"change", std::string(to_string(found.change))},
                                       {"carried", found.carried},
                                       {"conflict", found.conflict}}));
    const Json::Object result{{"event", "result"},
                              {"pending", pending ? Json(release) : Json()},
                              {"conflicts_go_to", local_wins ? "local" : "release"},
                              {"differences", Json(std::move(list))}};
    fmt::print("{}\n", Json(result).line());
    return exit_done;
  }
  for (const auto& found : differences)
    fmt::print("{:8} /{}{}\n", to_string(found.change), printable(found.path),
               remark(found, local_wins));
  if (differences.empty()) fmt::print("/etc is as the running release brought it\n");
  if (pending) fmt::print("conflicts are those with {}\n", release);
  return exit_done;
}

}  // namespace cube::cli
