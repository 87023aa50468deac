#include "agent/cli/updater_run.h"

#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/health/verdict_file.h"
#include "base/log.h"
#include "base/priority.h"

namespace cube::cli {
namespace {

constexpr std::int64_t slowest_rate = 16;  // KiB/s, as the key source.max-rate
constexpr std::int64_t kib = 1024;

int code_of(const Phase& phase) {
  if (std::holds_alternative<Armed>(phase)) return exit_reboot_needed;
  const auto* staged = std::get_if<Staged>(&phase);
  const bool waits =
      staged != nullptr && (staged->update.start != Start::at_once || !staged->update.held.empty());
  return waits ? exit_waiting : exit_done;
}

}  // namespace

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
                   const ApplyOptions& options) {
  const Config& config = appliance.config().config;
  Update update;
  update.release = release;
  update.from_release = std::move(from_release);
  update.source = appliance.source().url();
  update.tries = options.tries > 0 ? options.tries : config.trial_tries;
  update.unattended = !options.no_reboot;
  update.start = options.in_window     ? Start::in_window
                 : !options.at.empty() ? Start::at_time
                                       : Start::at_once;
  // Among others it waits for its turn, however urgent.
  const bool has_others = !config.fleet_cluster.empty() || !config.fleet_lock_url.empty();
  if (update.start == Start::at_once && has_others && !options.out_of_turn) {
    update.start = Start::at_time;
    update.not_before = appliance.clock().now();
  }
  update.deadline = release.trial_deadline > 0 ? release.trial_deadline : config.trial_deadline;
  return update;
}

Status prepare_long_run(Appliance& appliance, const std::optional<std::int64_t>& max_rate) {
  if (max_rate && *max_rate != 0 && *max_rate < slowest_rate)
    return Error{Errc::invalid, "--max-rate: 0 for no limit, or at least " +
                                    std::to_string(slowest_rate) + " (KiB per second)"};
  if (max_rate) appliance.source().limit_rate(static_cast<std::uint64_t>(*max_rate * kib));
  const Config& config = appliance.config().config;
  // A sandbox may forbid it. The update is worth more than its politeness.
  for (const auto& lowered : {lower_cpu_priority(config.update_cpu_priority),
                              lower_io_priority(config.update_io_priority)})
    if (!lowered) log(Level::warning, lowered.error().what + "; going on with what there is");
  return ok();
}

Result<Journal> settle(Appliance& appliance, Narrator& narrator) {
  std::string damage;
  CUBE_TRY(auto journal, appliance.journal_or_new(damage));
  if (!damage.empty()) return Error{Errc::corrupt, damage + "; run the command again to go on"};
  if (std::holds_alternative<Idle>(journal.phase)) return journal;
  Run run = make_run(narrator, Wish::resume, false);
  run.runs_hooks = false;
  CUBE_TRY(const auto report, Updater(appliance.machine()).run(run));
  if (report.failure) return *report.failure;
  return report.journal;
}

std::optional<Error> in_the_way(const Phase& phase) {
  const Update* update = update_of(phase);
  if (std::holds_alternative<Trying>(phase) || std::holds_alternative<Committing>(phase) ||
      std::holds_alternative<RollingBack>(phase) || std::holds_alternative<Arming>(phase))
    return Error{Errc::busy, update->release.name.text + " is " + std::string(name_of(phase)) +
                                 "; wait for it, or run `cube-update commit` or `rollback`"};
  return std::nullopt;
}

int conclude(Narrator& narrator, const Report& report) {
  const int code = report.failure     ? exit_code(report.failure->code)
                   : report.rebooting ? exit_done
                                      : code_of(report.journal.phase);
  Json::Object result = journal_json(report.journal);
  result["exit_code"] = Json(code);
  result["rebooting"] = Json(report.rebooting);
  if (report.failure) result["error"] = Json(failure_of(report).what);
  if (!report.findings.empty()) result["findings"] = findings_json(report.findings);
  if (report.verdict) result["health"] = verdict_json(*report.verdict);
  narrator.result(std::move(result));
  if (!report.failure && !report.rebooting && !report.resting.empty()) narrator.say(report.resting);
  return code;
}

Error failure_of(const Report& report) {
  Error error = *report.failure;
  if (error.code == Errc::cancelled)
    error.what = "stopped on request";  // wherever that was noticed
  const bool goes_on_later = error.code == Errc::cancelled || error.code == Errc::unreachable;
  const std::string next = way_on(report.journal.phase);
  if (goes_on_later && !next.empty()) error.what += "; " + next;
  return error;
}

}  // namespace cube::cli
