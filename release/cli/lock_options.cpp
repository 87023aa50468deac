#include <CLI/CLI.hpp>
#include <memory>

#include "release/cli/lock_commands.h"

namespace cube::publish_cli {

void add_locks(CLI::App& command, std::string& file) {
  command.add_option("--locks", file,
                     "file with the rules (default: publisher/locks.toml of the repository)");
}

void add_waive(CLI::App& command, WaiveOptions& options) {
  auto* waive =
      command
          .add_option("--waive", options.ids,
                      "let a broken rule through, here and on machines, as lock:kernel; repeat "
                      "it for more")
          ->allow_extra_args(false);
  auto* reason = command.add_option("--reason", options.reason, "why, one line")->needs(waive);
  auto* until = command
                    .add_option("--until", options.until,
                                "the last day on which it counts, as 2026-12-24; at most 90 days "
                                "after the build")
                    ->needs(waive);
  waive->needs(reason)->needs(until);
}

void add_lock_commands(CLI::App& app, const AddCommand& add, Common& common) {
  const auto o = std::make_shared<LockCommand>();
  auto* lock = app.add_subcommand("lock", "which packages must not drift")->require_subcommand(1);
  auto* init = add(*lock, "init", "hold what a known-good release has",
                   "cube-release lock init --kernel-only --repository /srv/cube",
                   [o, &common] { return lock_init(common, *o); });
  init->add_option("from", o->place,
                   "a release of the repository, the folder of a tree, or a file with an inventory "
                   "(default: the newest published release)");
  auto* kernel = init->add_flag("--kernel-only", o->choice.kernel_only,
                                "the kernel that boots, and what comes with it");
  init->add_option("--package", o->choice.packages,
                   "packages of this name, as bash or ceph-*; repeat it for more (default: all)")
      ->allow_extra_args(false)
      ->excludes(kernel);
  auto* check = add(*lock, "check", "which rules does a release break? exit with 6 if any",
                    "cube-release lock check rootfs --repository /srv/cube",
                    [o, &common] { return lock_check(common, *o); });
  check
      ->add_option("place", o->place,
                   "a release of the repository, the folder of a tree, or a file with an inventory")
      ->required();
  check->add_option("--running", o->before,
                    "what \"never downgrade\" and \"same as running\" compare with, named the same "
                    "way");
  for (auto* command : {init, check}) {
    add_locks(*command, o->file);
    command->add_option("--repository", common.repository, "the repository's folder")
        ->capture_default_str();
  }
}

}  // namespace cube::publish_cli
