#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <optional>

#include "agent/appliance.h"
#include "agent/cli/announce.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/fleet_plan.h"
#include "agent/cli/narrator.h"
#include "agent/cli/stale.h"
#include "agent/cli/stop_signals.h"
#include "agent/cli/updater_run.h"
#include "agent/lock.h"
#include "agent/selection.h"
#include "base/log.h"

namespace cube::cli {
namespace {

constexpr int rounds_per_hold = 30;  // a minute

// Whether an apply takes up what is there instead of looking for the newest release.
bool takes_up(const Phase& phase, const ApplyOptions& options) {
  const bool begun =
      std::holds_alternative<Fetched>(phase) || std::holds_alternative<Filling>(phase);
  return begun && options.from.empty() &&
         (options.release.empty() || options.release == update_of(phase)->release.name.text);
}

// The release that was downloaded, or whose installation was begun: verified anew, and judged anew.
Result<Release> take_up(Appliance& appliance, Narrator& narrator, const Journal& journal,
                        const Insistence& insistence) {
  CUBE_TRY(const auto standing, standing_of(appliance, journal, insistence));
  const Update& begun = *update_of(journal.phase);
  auto& source = appliance.source();
  CUBE_TRY(const auto release, source.fetch(begun, narrator.progress()));
  CUBE_CHECK(admissible(release.get(), standing, journal));
  if (!source.out_of_reach().empty())
    narrator.say("going on with what was downloaded, for the source is out of reach: " +
                 source.out_of_reach());
  return release.get();
}

Result<Release> choose(Appliance& appliance, Narrator& narrator, const Journal& journal,
                       const ApplyOptions& options) {
  auto chosen =
      select_release(appliance, journal, options.release,
                     {options.allow_downgrade, options.past_floor, options.allow_blocked});
  appliance.source().share_metadata();
  CUBE_TRY(const auto selection, std::move(chosen));
  for (const auto& reason : selection.passed_over) narrator.say("passed over: " + reason);
  return selection.release.get();
}

void log_past_floor(const std::string& release) {
  log(Level::warning, "user " + std::to_string(::getuid()) + " insists on " + release +
                          ", whether it can read the state here or not");
}

// What apply and fetch are to take, told to people and, where it matters later, to the log.
Result<Update> choose_update(Appliance& appliance, Narrator& narrator, const Journal& journal,
                             const ApplyOptions& options, Wish wish) {
  // Nothing is downloaded for a machine that could not be armed in the end.
  CUBE_CHECK(appliance.machine().boot.state());
  CUBE_CHECK(appliance.machine().watchdog.demand());
  if (!options.allow_blocked) CUBE_CHECK(refresh_bans(appliance));
  const bool begun = wish == Wish::apply && takes_up(journal.phase, options);
  auto release = begun
                     ? take_up(appliance, narrator, journal,
                               {options.allow_downgrade, options.past_floor, options.allow_blocked})
                     : choose(appliance, narrator, journal, options);
  // It was withdrawn or denied meanwhile. Nobody asked for it by name, so another may take its
  // place.
  if (begun && !release && release.error().code == Errc::unsuitable && options.release.empty()) {
    narrator.say("passed over: " + release.error().what);
    release = choose(appliance, narrator, journal, options);
  }
  if (!release && release.error().code == Errc::cancelled)
    return Error{Errc::cancelled, "stopped on request, before anything was changed"};
  if (!release) return std::move(release).error();
  narrator.say((wish == Wish::apply ? "applying " : "fetching ") + release->name.text);
  if (const auto stale = log_stale(appliance); !stale.empty()) narrator.say(stale);
  if (options.allow_downgrade)
    log(Level::warning,
        "user " + std::to_string(::getuid()) + " permits a downgrade to " + release->name.text);
  if (options.past_floor) log_past_floor(release->name.text);
  if (options.allow_blocked)
    log(Level::warning, "user " + std::to_string(::getuid()) + " insists on " + release->name.text +
                            ", whether the rollout plan blocks it or not");
  CUBE_TRY(auto running, appliance.running_release());
  Update update = make_update(appliance, *release, std::move(running), options);
  if (!options.at.empty()) {
    CUBE_TRY(update.not_before, appliance.schedule().parse_time(options.at));
  }
  return update;
}

// Before anything is downloaded for it.
Status check_start(const Appliance& appliance, const ApplyOptions& options) {
  const Schedule& schedule = appliance.schedule();
  if (!options.at.empty()) {
    CUBE_TRY(const auto time, schedule.parse_time(options.at));
    if (time <= appliance.clock().now())
      return Error{Errc::invalid, "--at: " + schedule.format(time) + " is over"};
  }
  if (options.in_window && !options.planned && !schedule.has_windows())
    return Error{Errc::invalid,
                 "--window: no maintenance window is configured; set schedule.windows in "
                 "/etc/cube-update/config.d"};
  return ok();
}

// Opens the appliance for a command that takes a release, as its options say.
Result<std::unique_ptr<Appliance>> open_to_take(const Common& common, const ApplyOptions& options) {
  if (options.allow_downgrade && options.release.empty())
    return Error{Errc::invalid, "--allow-downgrade: name the release"};
  CUBE_TRY(auto appliance, Appliance::open(common.root, absolute_place(options.from)));
  CUBE_CHECK(check_start(*appliance, options));
  if (options.accept_stale) CUBE_CHECK(accept_stale(*appliance));
  CUBE_CHECK(prepare_long_run(*appliance, options.max_rate));
  appliance->source().stop_when(StopSignals::asked());
  appliance->source().go_through(options.through);
  return appliance;
}

Error armed_already(const Journal& journal) {
  return {Errc::busy, update_of(journal.phase)->release.name.text +
                          " is armed; run `cube-update rollback` first to take another one"};
}

// The watchdog's timer cannot count to every deadline, so it is set anew. Only under the lock: a
// commit that ends it at the same time must win.
void hold_watchdog(Appliance& appliance, const Update& update) {
  const auto lock = take_lock(appliance.root(), 0);
  if (!lock) return;
  const auto journal = appliance.journal().load();
  if (!journal || !std::holds_alternative<Trying>(journal->phase)) return;
  const Seconds left = update.deadline - appliance.clock().uptime();
  const auto held = appliance.machine().watchdog.hold(left + watchdog_margin);
  if (!held) log(Level::warning, "watchdog: " + held.error().what);
}

}  // namespace

Result<int> apply(const Common& common, const ApplyOptions& options) {
  const StopSignals signals;
  CUBE_TRY(auto appliance, open_to_take(common, options));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  if (auto obstacle = in_the_way(journal.phase)) return *obstacle;
  Run run = make_run(narrator, Wish::apply, !options.no_reboot);
  run.progress = narrator.progress(StopSignals::asked());
  // An armed or staged update needs no source any more.
  const bool at_hand =
      std::holds_alternative<Armed>(journal.phase) &&
      (options.release.empty() || options.release == update_of(journal.phase)->release.name.text);
  if (!at_hand) {
    if (std::holds_alternative<Armed>(journal.phase)) return armed_already(journal);
    CUBE_TRY(run.candidate, choose_update(*appliance, narrator, journal, options, Wish::apply));
  }
  CUBE_TRY(const auto report, Updater(appliance->machine()).run(run));
  const int code = conclude(narrator, report);
  if (report.failure) return failure_of(report);
  return code;
}

Result<int> fetch(const Common& common, const ApplyOptions& options) {
  const StopSignals signals;
  CUBE_TRY(auto appliance, open_to_take(common, options));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  if (auto obstacle = in_the_way(journal.phase)) return *obstacle;
  if (std::holds_alternative<Armed>(journal.phase)) return armed_already(journal);
  Run run = make_run(narrator, Wish::fetch, false);
  run.progress = narrator.progress(StopSignals::asked());
  CUBE_TRY(run.candidate, choose_update(*appliance, narrator, journal, options, Wish::fetch));
  CUBE_TRY(const auto report, Updater(appliance->machine()).run(run));
  const int code = conclude(narrator, report);
  if (report.failure) return failure_of(report);
  // An update that is further than its download is left as it is.
  return std::holds_alternative<Fetched>(report.journal.phase) ? code : exit_nothing_to_do;
}

Result<int> drop_download(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  const Phase& phase = journal.phase;
  if (!std::holds_alternative<Fetching>(phase) && !std::holds_alternative<Fetched>(phase))
    return Error{Errc::nothing_to_do, "no download is there to be dropped"};
  CUBE_TRY(const auto report,
           Updater(appliance->machine()).run(make_run(narrator, Wish::rollback, false)));
  const int code = conclude(narrator, report);
  if (report.failure) return failure_of(report);
  narrator.say(update_of(phase)->release.name.text + " is dropped");
  return code;
}

Result<int> commit(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root(), 30));
  Narrator narrator(common.json);
  std::string damage;
  CUBE_TRY(const auto before, appliance->journal_or_new(damage));
  if (!damage.empty()) narrator.say(damage);
  CUBE_TRY(const auto report,
           Updater(appliance->machine()).run(make_run(narrator, Wish::commit, true)));
  announce(*appliance, before, report.journal);
  const int code = conclude(narrator, report);
  if (report.failure) return *report.failure;
  // Also when it restarts to be tried for real.
  const Phase& phase = report.journal.phase;
  const bool not_committed = std::holds_alternative<RollingBack>(phase) ||
                             std::holds_alternative<Trying>(phase) || report.rebooting;
  if (not_committed || (report.verdict && !report.verdict->passed)) return exit_refused;
  if (report.journal == before && !report.verdict) return exit_nothing_to_do;
  return code;
}

Result<int> rollback(const Common& common, const RollbackOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  Run run = make_run(narrator, Wish::rollback, options.now);
  run.progress = narrator.progress(StopSignals::asked());
  const StopSignals signals;
  if (std::holds_alternative<Idle>(journal.phase)) {
    CUBE_TRY(run.candidate, return_to_other_slot(*appliance, journal, {false, options.past_floor}));
    run.candidate->unattended = options.now;
    run.candidate->carry_etc = options.carry_etc;
    run.wish = Wish::apply;
    if (options.past_floor) log_past_floor(run.candidate->release.name.text);
    narrator.say("returning to " + run.candidate->release.name.text);
  } else if (options.carry_etc || options.past_floor) {
    return Error{Errc::invalid,
                 "--carry-etc and --past-floor are for a return to the release in the other slot, "
                 "but an update is under way; give that up first with `cube-update rollback`"};
  }
  CUBE_TRY(const auto report, Updater(appliance->machine()).run(run));
  int code = conclude(narrator, report);
  if (report.failure) return *report.failure;
  if (std::holds_alternative<RollingBack>(report.journal.phase) && !report.rebooting)
    code = exit_reboot_needed;
  return code;
}

Result<int> resume(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  Narrator narrator(common.json);
  bool settled = false;
  for (;;) {
    CUBE_TRY(auto lock, take_lock(appliance->root(), 60));
    std::string damage;
    CUBE_TRY(auto journal, appliance->journal_or_new(damage));
    if (!damage.empty()) log(Level::error, damage);
    Run run = make_run(narrator, Wish::resume, true);
    run.runs_hooks = settled;
    CUBE_TRY(auto report, Updater(appliance->machine()).run(run));
    announce(*appliance, journal, report.journal);
    ::sd_notify(0, "READY=1\nSTATUS=settled");
    settled = true;
    // Nobody waits for the hooks that come after an update.
    if (report.journal.hooks_due != 0 && !report.failure && !report.rebooting) {
      run.runs_hooks = true;
      CUBE_TRY(report, Updater(appliance->machine()).run(run));
    }
    const auto* trying = std::get_if<Trying>(&report.journal.phase);
    if (trying == nullptr || report.failure || report.rebooting || common.root != "/") {
      const int code = conclude(narrator, report);
      if (report.failure) return *report.failure;
      return code;
    }
    lock.reset();
    ::sd_notify(0, "STATUS=on trial; waiting for the health gate");
    // The health gate commits under its own lock; this process only watches the deadline.
    const Update update = trying->update;
    int rounds = 0;
    while (std::holds_alternative<Trying>(journal.phase) &&
           appliance->clock().uptime() <= update.deadline) {
      ::sleep(2);
      if (++rounds % rounds_per_hold == 0) hold_watchdog(*appliance, update);
      // A journal that cannot be read just now is read again: the deadline must not be missed.
      if (auto now = appliance->journal().load()) journal = std::move(*now);
      if (!std::holds_alternative<Trying>(journal.phase)) return exit_done;
    }
  }
}

}  // namespace cube::cli
