#include "agent/cli/rules.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

namespace cube::cli {
namespace {

struct Options {
  std::string package, rule;
  WaiveCommand waive;
};

}  // namespace

void add_rules(CLI::App& app, const AddCommand& add, Common& common) {
  const auto o = std::make_shared<Options>();
  auto* lock = app.add_subcommand("lock", "which packages must not drift")->require_subcommand(1);
  add(*lock, "list", "the rules in force, and where each stands",
      [&common] { return lock_list(common); });
  auto* lock_it = add(*lock, "add", "hold a package, by a rule of this site",
                      [o, &common] { return lock_add(common, o->package, o->rule); });
  auto* unlock = add(*lock, "remove", "no longer hold it by a rule of this site",
                     [o, &common] { return lock_remove(common, o->package); });
  for (auto* command : {lock_it, unlock})
    command->add_option("package", o->package, "its name, or a pattern like ceph-*; \"kernel\"")
        ->required();
  lock_it->add_option("rule", o->rule,
                      "like \"4.18.0-348.*\", \"< 5\", \"never downgrade\" (default: the version "
                      "that runs)");
  auto* waive_command =
      add(app, "waive", "let through what speaks against a release, for a reason and a time",
          [o, &common] { return waive(common, o->waive); });
  auto* id = waive_command->add_option("id", o->waive.id, "of the finding, like lock:kernel");
  auto* reason = waive_command->add_option("--reason", o->waive.reason, "why, one line")->needs(id);
  auto* until = waive_command
                    ->add_option("--until", o->waive.until,
                                 "the last day on which it counts, like 2026-12-24, or a time; at "
                                 "most 90 days from now")
                    ->needs(id);
  id->needs(reason)->needs(until);
  auto* list = waive_command->add_flag("--list", o->waive.list, "show all (default)")->excludes(id);
  waive_command->add_option("--remove", o->waive.remove, "take the waiver with this id back")
      ->excludes(id)
      ->excludes(list);
}

Status demand_root(const Appliance& appliance, const std::string& command) {
  if (appliance.root().path() == "/" && ::geteuid() != 0)
    return Error{Errc::refused, command + ": only root may; run it as root"};
  return ok();
}

}  // namespace cube::cli
