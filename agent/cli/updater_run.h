// What the commands that run the updater have in common: apply, fetch, commit, rollback, resume.
#pragma once

#include <optional>
#include <string>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/narrator.h"
#include "agent/updater.h"

namespace cube::cli {

[[nodiscard]] Run make_run(Narrator& narrator, Wish wish, bool may_reboot);

// An update to begin, with `options` over the configuration.
[[nodiscard]] Update make_update(const Appliance& appliance, const Release& release,
                                 std::string from_release, const ApplyOptions& options);

// Before a long run: priorities as configured, `--max-rate` over the configuration.
// Errors: invalid (rate).
Status prepare_long_run(Appliance& appliance, const std::optional<std::int64_t>& max_rate);

// Settles what an earlier boot left open; the journal as it is then.
Result<Journal> settle(Appliance& appliance, Narrator& narrator);

// An update that is past the point where another one could take over. nullopt: go on.
[[nodiscard]] std::optional<Error> in_the_way(const Phase& phase);

// What a run of the updater came to, told once to people and programs: the exit code.
int conclude(Narrator& narrator, const Report& report);
// The failure of a report that has one, with what became of the update and what to do next.
[[nodiscard]] Error failure_of(const Report& report);

}  // namespace cube::cli
