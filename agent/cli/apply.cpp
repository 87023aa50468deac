#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <optional>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "agent/cli/render.h"
#include "agent/cli/stale.h"
#include "agent/lock.h"
#include "agent/selection.h"
#include "base/log.h"

namespace cube::cli {
namespace {

Run make_run(Narrator& narrator, Wish wish, bool may_reboot) {
  Run run;
  run.wish = wish;
  run.may_reboot = may_reboot;
  run.progress = narrator.progress();
  run.on_step = [&narrator](const Journal& journal, const Step& step) {
    narrator.step(journal, step);
  };
  return run;
}

Update make_update(const Appliance& appliance, const Release& release, std::string from_release,
                   std::string source, const ApplyOptions& options) {
  const Config& config = appliance.config().config;
  Update update;
  update.release = release;
  update.from_release = std::move(from_release);
  update.source = std::move(source);
  update.tries = options.tries > 0 ? options.tries : config.trial_tries;
  update.unattended = !options.no_reboot;
  update.deadline = release.trial_deadline > 0 ? release.trial_deadline : config.trial_deadline;
  return update;
}

// What a run of the updater came to, told once to people and programs.
int conclude(Narrator& narrator, const Report& report) {
  const int code = report.failure     ? exit_code(report.failure->code)
                   : report.rebooting ? exit_done
                   : std::holds_alternative<Armed>(report.journal.phase) ? exit_reboot_needed
                                                                         : exit_done;
  Json::Object result = journal_json(report.journal);
  result["exit_code"] = Json(code);
  result["rebooting"] = Json(report.rebooting);
  if (report.failure) result["error"] = Json(report.failure->what);
  if (report.verdict) result["health"] = verdict_json(*report.verdict);
  narrator.result(std::move(result));
  if (!report.failure && !report.rebooting && !report.resting.empty()) narrator.say(report.resting);
  return code;
}

// An update that is past the point where another apply could take over. nullopt: go on.
std::optional<Error> in_the_way(const Phase& phase) {
  const Update* update = update_of(phase);
  if (std::holds_alternative<Trying>(phase) || std::holds_alternative<Committing>(phase) ||
      std::holds_alternative<RollingBack>(phase) || std::holds_alternative<Arming>(phase))
    return Error{Errc::busy, update->release.name.text + " is " + std::string(name_of(phase)) +
                                 "; wait for it, or run `cube-update commit` or `rollback`"};
  return std::nullopt;
}

// Settles what an earlier boot left open; the journal as it is then.
Result<Journal> settle(Appliance& appliance, Narrator& narrator) {
  std::string damage;
  CUBE_TRY(auto journal, appliance.journal_or_new(damage));
  if (!damage.empty()) return Error{Errc::corrupt, damage + "; run the command again to go on"};
  if (std::holds_alternative<Idle>(journal.phase)) return journal;
  CUBE_TRY(const auto report,
           Updater(appliance.machine()).run(make_run(narrator, Wish::resume, false)));
  if (report.failure) return *report.failure;
  return report.journal;
}

}  // namespace

Result<int> apply(const Common& common, const ApplyOptions& options) {
  if (options.allow_downgrade && options.release.empty())
    return Error{Errc::invalid, "--allow-downgrade: name the release"};
  const std::string from = absolute_place(options.from);
  CUBE_TRY(auto appliance, Appliance::open(common.root, from));
  if (options.accept_stale) CUBE_CHECK(accept_stale(*appliance));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  if (auto obstacle = in_the_way(journal.phase)) return *obstacle;
  Run run = make_run(narrator, Wish::apply, !options.no_reboot);
  // An armed or staged update needs no source any more.
  const bool at_hand =
      std::holds_alternative<Armed>(journal.phase) &&
      (options.release.empty() || options.release == update_of(journal.phase)->release.name.text);
  if (!at_hand) {
    if (std::holds_alternative<Armed>(journal.phase))
      return Error{Errc::busy,
                   update_of(journal.phase)->release.name.text +
                       " is armed; run `cube-update rollback` first to take another one"};
    // Nothing is downloaded for a machine that could not be armed in the end.
    CUBE_CHECK(appliance->machine().boot.state());
    CUBE_TRY(const auto selection,
             select_release(*appliance, journal, options.release, options.allow_downgrade));
    for (const auto& reason : selection.passed_over) narrator.say("passed over: " + reason);
    const Release& release = selection.release.get();
    narrator.say("applying " + release.name.text);
    if (const auto stale = log_stale(*appliance); !stale.empty()) narrator.say(stale);
    if (options.allow_downgrade)
      log(Level::warning,
          "user " + std::to_string(::getuid()) + " permits a downgrade to " + release.name.text);
    CUBE_TRY(auto running, appliance->running_release());
    run.candidate =
        make_update(*appliance, release, std::move(running), appliance->source().url(), options);
  }
  CUBE_TRY(const auto report, Updater(appliance->machine()).run(run));
  const int code = conclude(narrator, report);
  if (report.failure) return *report.failure;
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
  const int code = conclude(narrator, report);
  if (report.failure) return *report.failure;
  if (report.verdict && !report.verdict->passed) return exit_refused;
  if (report.journal == before && !report.verdict) return exit_nothing_to_do;
  return code;
}

Result<int> rollback(const Common& common, bool now) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(*appliance, narrator));
  Run run = make_run(narrator, Wish::rollback, now);
  if (std::holds_alternative<Idle>(journal.phase)) {
    CUBE_TRY(run.candidate, return_to_other_slot(*appliance, journal));
    run.candidate->unattended = now;
    run.wish = Wish::apply;
    narrator.say("returning to " + run.candidate->release.name.text);
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
  for (;;) {
    CUBE_TRY(auto lock, take_lock(appliance->root(), 60));
    std::string damage;
    CUBE_TRY(auto journal, appliance->journal_or_new(damage));
    if (!damage.empty()) log(Level::error, damage);
    CUBE_TRY(const auto report,
             Updater(appliance->machine()).run(make_run(narrator, Wish::resume, true)));
    ::sd_notify(0, "READY=1\nSTATUS=settled");
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
    while (std::holds_alternative<Trying>(journal.phase) &&
           appliance->clock().uptime() <= update.deadline) {
      ::sleep(2);
      // A journal that cannot be read just now is read again: the deadline must not be missed.
      if (auto now = appliance->journal().load()) journal = std::move(*now);
      if (!std::holds_alternative<Trying>(journal.phase)) return exit_done;
    }
  }
}

}  // namespace cube::cli
