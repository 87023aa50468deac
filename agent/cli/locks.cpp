// cube-update lock: the rules about packages that a release must keep on this machine.
#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/rules.h"
#include "agent/foresight/lock_rules.h"
#include "agent/lock.h"
#include "base/durable_file.h"
#include "base/log.h"
#include "insight/locks/lock_file.h"

namespace cube::cli {
namespace {

using insight::LockOrigin;
using insight::LockOwner;
using insight::LockPolicy;

std::string_view word_for(LockOwner owner) {
  return owner == LockOwner::site ? "site" : "publisher";
}

Json rule_json(const std::string& package, const std::string& rule, const LockOrigin& origin) {
  return Json(Json::Object{{"package", package},
                           {"rule", rule},
                           {"set_by", std::string(word_for(origin.owner))},
                           {"place", origin.place}});
}

Json policy_json(const LoadedLocks& loaded) {
  Json::Array rules, groups;
  for (const auto& rule : loaded.policy.rules)
    rules.push_back(rule_json(rule.package, rule.demand.text, rule.origin));
  for (const auto& group : loaded.policy.groups)
    groups.push_back(Json(
        Json::Object{{"name", group.name},
                     {"members", Json(Json::Array(group.members.begin(), group.members.end()))},
                     {"set_by", std::string(word_for(group.origin.owner))},
                     {"place", group.origin.place}}));
  Json::Array damaged;
  for (const auto& finding : loaded.damaged) damaged.emplace_back(finding.what);
  return Json(Json::Object{{"event", "result"},
                           {"rules", Json(std::move(rules))},
                           {"groups", Json(std::move(groups))},
                           {"damaged", Json(std::move(damaged))}});
}

void print(const LoadedLocks& loaded) {
  for (const auto& rule : loaded.policy.rules)
    fmt::print("{} = \"{}\"  ({}, {})\n", rule.package, rule.demand.text,
               word_for(rule.origin.owner), rule.origin.place);
  for (const auto& group : loaded.policy.groups)
    fmt::print("one version: {}  ({}, {})\n", fmt::join(group.members, ", "),
               word_for(group.origin.owner), group.origin.place);
  for (const auto& finding : loaded.damaged) fmt::print("{}\n", finding.what);
  if (loaded.policy.empty() && loaded.damaged.empty())
    fmt::print("no package is held on this machine\n");
}

// "bash.x86_64" and "bash:amd64" of "bash", as lock_add() names what runs.
bool is_with_architecture(std::string_view key, std::string_view name) {
  if (!key.starts_with(name) || key.size() < name.size() + 2) return false;
  const char sign = key[name.size()], first = key[name.size() + 1];
  return (sign == '.' || sign == ':') && first >= 'a' && first <= 'z';
}

// Loads, changes and saves the rules that operators gave here. `change` gets them, and says
// whether it changed anything.
template <typename Change>
Result<int> edit(const Common& common, const std::string& command, Change change) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_CHECK(demand_root(*appliance, command));
  const RootDir& root = appliance->root();
  CUBE_TRY(const auto lock, take_lock(root));
  const auto text = root.read_file(own_locks_file, insight::max_lock_file_bytes);
  if (!text && text.error().code != Errc::not_found) return text.error();
  LockPolicy policy;
  if (text) CUBE_CHECK(add_locks(*text, root.join(own_locks_file), LockOwner::site, policy));
  CUBE_TRY(const bool changed, change(*appliance, policy));
  if (!changed) return exit_nothing_to_do;
  const auto after = locks_text(policy);
  LockPolicy checked;
  CUBE_CHECK(add_locks(after, root.join(own_locks_file), LockOwner::site, checked));
  CUBE_CHECK(root.make_dirs(site_locks_folder));
  CUBE_CHECK(replace_file(root, own_locks_file, after));
  return exit_done;
}

// The file that holds the packages as they run here.
Result<std::string> as_it_runs(const Appliance& appliance, const std::string& package) {
  CUBE_TRY(const auto running, inventory_of(appliance.root()));
  if (!running)
    return Error{Errc::not_found, "what runs here has no inventory; name a rule, like \"5.1.*\""};
  auto text = locks_of(*running, {false, {package}});
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, "package " + package + ": there is none in what runs here"};
  return text;
}

}  // namespace

Result<int> lock_list(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const auto loaded = load_locks(appliance->root());
  if (common.json)
    fmt::print("{}\n", policy_json(loaded).line());
  else
    print(loaded);
  return loaded.damaged.empty() ? exit_done : exit_refused;
}

Result<int> lock_add(const Common& common, const std::string& package, const std::string& rule) {
  return edit(common, "lock add", [&](Appliance& appliance, LockPolicy& policy) -> Result<bool> {
    std::string more;
    if (rule.empty()) {
      CUBE_TRY(more, as_it_runs(appliance, package));
    } else {
      if ((package + rule).find_first_of("\"\\\n") != std::string::npos)
        return Error{Errc::invalid, package + " = " + rule + ": is no rule"};
      more = "[locks]\n\"" + package + "\" = \"" + rule + "\"\n";
    }
    CUBE_CHECK(add_locks(more, "the rule", LockOwner::site, policy));
    log(Level::info, "user " + std::to_string(::getuid()) + " holds " + package + " " + rule);
    if (!common.json) fmt::print("{} is held on this machine\n", package);
    return true;
  });
}

Result<int> lock_remove(const Common& common, const std::string& package) {
  return edit(common, "lock remove", [&](Appliance&, LockPolicy& policy) -> Result<bool> {
    const auto gone = std::erase_if(policy.rules, [&](const auto& rule) {
      return rule.package == package || is_with_architecture(rule.package, package);
    });
    if (!common.json)
      fmt::print(
          "{} {}\n", package,
          gone > 0 ? "is no longer held by an operator here" : "was not held by an operator here");
    if (gone > 0)
      log(Level::info, "user " + std::to_string(::getuid()) + " no longer holds " + package);
    return gone > 0;
  });
}

}  // namespace cube::cli
