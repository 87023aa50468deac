// The command that has a trial fail on purpose, to see the machine come back.
#include <algorithm>
#include <filesystem>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/stop_signals.h"
#include "agent/cli/updater_run.h"
#include "agent/lock.h"
#include "agent/selection.h"
#include "base/mutation.h"
#include "boot/watchdog/survival.h"

namespace cube::cli {
namespace {

// The failure must be one that this machine survives, as far as anybody can tell.
Status survivable(Appliance& appliance, Rehearsal how, bool attended) {
  const Config& config = appliance.config().config;
  const auto folder = std::filesystem::path(config.boot_environment).parent_path().string();
  const auto facts = survival_facts(appliance.root(), appliance.bmc(), appliance.loader(), folder);
  const auto deaths = judge_survival(facts, config.watchdog_policy == "off", "");
  const auto death = std::find_if(deaths.begin(), deaths.end(), [&](const Death& candidate) {
    return candidate.name == to_string(how);
  });
  if (death == deaths.end()) return Error{Errc::bug, "a rehearsal of what nobody dies of"};
  if (death->survived == Survived::yes || mutated("rehearsed-for-ever")) return ok();
  const bool certain = death->survived == Survived::no;
  const std::string why = "a rehearsal of: " + death->name + ": " + death->how;
  if (certain)
    return Error{Errc::cannot_arm,
                 why + ", so the machine would not come back by itself; " +
                     (death->remedy.empty() ? "see `cube-update doctor`" : death->remedy)};
  if (attended) return ok();
  return Error{Errc::cannot_arm,
               why +
                   ", so it may not come back by itself; with somebody at hand who can switch it "
                   "off and on: --attended"};
}

}  // namespace

Result<int> rehearse(const Common& common, const RehearsalOptions& options) {
  const auto how = parse_rehearsal(options.how);
  if (!how || *how == Rehearsal::none)
    return Error{Errc::invalid, "--rehearse: panic, hang or sick, not " + options.how};
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  if (const Update* update = update_of(journal.phase))
    return Error{Errc::busy, update->release.name.text + " is " +
                                 std::string(name_of(journal.phase)) +
                                 "; a rehearsal begins when no update is under way"};
  CUBE_CHECK(survivable(*appliance, *how, options.attended));
  const StopSignals signals;
  Run run = make_run(narrator, Wish::apply, !options.no_reboot);
  run.progress = narrator.progress(StopSignals::asked());
  CUBE_TRY(run.candidate, rehearsal_in_other_slot(*appliance, journal, *how));
  run.candidate->unattended = !options.no_reboot;
  narrator.say("rehearsal with " + run.candidate->release.name.text +
               " in the other slot: the machine restarts into it, fails (" + options.how +
               "), and comes back to what runs now");
  CUBE_TRY(const auto report, Updater(appliance->machine()).run(run));
  const int code = conclude(narrator, report);
  if (report.failure) return failure_of(report);
  return code;
}

}  // namespace cube::cli
