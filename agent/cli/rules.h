// cube-update lock and waive: the rules about packages on this machine, and what root lets through
// all the same.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace cube::cli {

using AddCommand = std::function<CLI::App*(CLI::App& parent, const char* name, const char* help,
                                           std::function<Result<int>()>)>;
// `common` outlives the commands.
void add_rules(CLI::App& app, const AddCommand& add, Common& common);

// All rules in force, and where each stands. exit_refused: there is a file that cannot be read.
Result<int> lock_list(const Common& common);
// Adds a rule of the site. `rule`: "" holds the version that runs. Errors: invalid (no rule),
// not_found (no such package runs here), refused (not root).
Result<int> lock_add(const Common& common, const std::string& package, const std::string& rule);
// Removes what lock_add() added. exit_nothing_to_do: there was none.
Result<int> lock_remove(const Common& common, const std::string& package);

struct WaiveCommand {
  std::string id, reason, until;
  bool list = false;
  std::string remove;  // id of the waiver to take back
};
// Gives, lists or takes back what root lets through here. Errors: invalid, refused (not root).
Result<int> waive(const Common& common, const WaiveCommand& command);

// Errors: refused: on a running system only root may.
[[nodiscard]] Status demand_root(const Appliance& appliance, const std::string& command);

}  // namespace cube::cli
