#include "agent/cli/command_options.h"

#include <CLI/CLI.hpp>

namespace cube::cli {

void add_status(const Add& add, CLI::App& app, const Common& common, std::string& drift) {
  auto* command =
      add(app, "status", "slots, what runs, what is under way, what came of the last update",
          [&common, &drift] { return status(common, drift); });
  command
      ->add_option("--drift", drift,
                   "also whether what runs is still what its release brought: quick (default), or "
                   "full: reads every file")
      ->expected(0, 1)
      ->default_str("quick")
      ->check(CLI::IsMember({"quick", "full"}));
}

void add_diff(const Add& add, CLI::App& app, const Common& common, DiffOptions& options) {
  auto* command = add(app, "diff", "what one release changes against another, for this machine",
                      [&common, &options] { return diff(common, options); });
  command->add_option("one", options.one,
                      "a, b, running, other, a release, an inventory or a tree (default: other); "
                      "alone: compared with the running release");
  command->add_option("two", options.two, "the same: what the first is compared with");
  command->add_option("--from", options.from,
                      "repository of a release that is in no slot: URL or folder");
  command->add_flag("--all", options.all, "lists in full");
  command
      ->add_option("--html", options.html,
                   "write a page for a browser to this file, whole or not at all; \"-\": standard "
                   "output")
      ->excludes("--json");
}

void add_preflight(const Add& add, CLI::App& app, const Common& common, bool& in_virtual_machine) {
  add(app, "preflight", "would the release in the other slot work on this machine, and may it?",
      [&common, &in_virtual_machine] { return preflight(common, in_virtual_machine); })
      ->add_flag("--virtual", in_virtual_machine,
                 "start it in a virtual machine on this one; takes minutes, and changes nothing");
}

void add_rollback(const Add& add, CLI::App& app, const Common& common, RollbackOptions& options) {
  auto* command = add(app, "rollback",
                      "give up the trial or the update; after a commit: return to the old release",
                      [&common, &options] { return rollback(common, options); });
  command->add_flag("--now", options.now, "reboot at once");
  command->add_flag("--carry-etc", options.carry_etc,
                    "a return takes along what was changed in /etc meanwhile");
  command->add_flag("--past-floor", options.past_floor, past_floor_help);
}

}  // namespace cube::cli
