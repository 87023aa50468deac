// What the updater asks of health and hooks around a restart.
#include <unistd.h>

#include <algorithm>

#include "agent/updater.h"
#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr unsigned wait_us = 200'000;  // between two looks whether to stop

// Those that decide. Wanted ones, and those that failed before the update already, are only told.
std::vector<const Check*> deciding(const Verdict& verdict) {
  std::vector<const Check*> failed;
  for (const auto& check : verdict.checks)
    if (!check.passed && check.required && !check.failed_before) failed.push_back(&check);
  return failed;
}

std::string text_of(const std::vector<const Check*>& checks) {
  std::string text;
  for (const auto* check : checks)
    text += (text.empty() ? "" : "; ") + check->name + ": " + check->detail;
  return text;
}

}  // namespace

void Updater::look_at_hooks(World& world, const Journal& journal) const {
  world.failing = failing_;
  world.refusal = refusal_;
  world.migration_failure = migration_failure_;
  const auto* trying = std::get_if<Trying>(&journal.phase);
  if (trying == nullptr || trying->update.target != world.booted || trying->update.returning)
    return;
  auto next = machine_.hooks.next_migration(trying->update.migrated);
  if (next)
    world.next_migration = std::move(*next);
  else  // what nobody can tell has not been done
    world.migration_failure = next.error().what;
}

Seconds Updater::left_of_trial(const Update& update) const {
  return std::max<Seconds>(0, update.deadline - machine_.clock.uptime());
}

void Updater::hold_watchdog() const {
  const auto* trying = std::get_if<Trying>(&report_.journal.phase);
  if (trying == nullptr) return;
  const auto held = machine_.watchdog.hold(left_of_trial(trying->update) + watchdog_margin);
  if (!held) log(Level::warning, "watchdog: " + held.error().what);
}

Status Updater::check_health(const Run& run) {
  HealthQuestion question;
  const auto* trying = std::get_if<Trying>(&report_.journal.phase);
  if (trying != nullptr) {
    question.within = left_of_trial(trying->update);
    if (!mutated("failed-before-blamed")) question.failed_before = trying->update.failed_before;
  }
  question.meanwhile = [this, &run] {
    hold_watchdog();
    return !run.progress.cancelled();
  };
  auto verdict = machine_.health.check(question);
  if (!verdict) {
    health_ = Health::failed;
    health_detail_ = verdict.error().what;
    return ok();
  }
  health_ = verdict->passed ? Health::passed : Health::failed;
  health_detail_ = text_of(deciding(*verdict));
  if (trying != nullptr)
    if (auto kept = machine_.health.keep(trying->update.attempt, *verdict); !kept)
      log(Level::warning, "the verdict of health is not kept: " + kept.error().what);
  report_.verdict = std::move(*verdict);
  return ok();
}

// One more try is enough here: who waits for long makes a machine sick that was not.
Status Updater::ask_health(const Run& run) {
  HealthQuestion question;
  question.most_retries = 1;
  question.meanwhile = [&run] { return !run.progress.cancelled(); };
  const auto verdict = machine_.health.check(question);
  CUBE_CHECK(run.progress.go_on());
  failing_.clear();
  if (!verdict)
    log(Level::warning, "health before the update is not known: " + verdict.error().what);
  for (const auto* check : verdict ? deciding(*verdict) : std::vector<const Check*>()) {
    if (failing_.size() == max_failed_before) break;
    failing_.push_back(check->name.substr(0, max_check_name));
    log(Level::notice, "fails before the update already, so it is not blamed on the release: " +
                           check->name + ": " + check->detail);
  }
  for (const auto& check : verdict ? verdict->checks : std::vector<Check>())
    if (!check.required && !check.passed)
      log(Level::notice, "before the update, told only: " + check.name + ": " + check.detail);
  done_.health_asked = true;
  return ok();
}

Status Updater::prepare_restart(const Run& run) {
  const Update& update = *update_of(report_.journal.phase);
  refusal_.clear();
  if (auto go = machine_.hooks.before_restart(update); !go) {
    refusal_ = go.error().what;
    log(Level::warning, "the restart is held back: " + refusal_);
    return update.returning ? std::move(go) : ok();
  }
  const Seconds wait = machine_.sessions.warn(update);
  for (Seconds left = wait * 1'000'000 / wait_us; left > 0; --left) {
    CUBE_CHECK(run.progress.go_on());
    ::usleep(wait_us);
  }
  done_.let_go = true;
  return ok();
}

Status Updater::migrate(const std::string& hook) {
  const Update& update = *update_of(report_.journal.phase);
  hold_watchdog();
  if (auto status = machine_.hooks.migrate(hook, update, left_of_trial(update)); !status)
    migration_failure_ = status.error().what;
  else
    done_.migrated = hook;
  return ok();
}

// Whatever comes of them, the update stays as it is.
Status Updater::run_hooks() {
  const Journal& journal = report_.journal;
  Attempt attempt;
  const auto* rolling_back = std::get_if<RollingBack>(&journal.phase);
  if (rolling_back != nullptr) {
    const Update& update = rolling_back->update;
    attempt = {update.attempt, update.release.name.text, update.from_release, update.target,
               update.started, machine_.clock.now(), update.tries_seen, Outcome::rolled_back,
               rolling_back->why, update.release.schema, update.rehearsal};
  } else if (!journal.history.empty() && journal.history.back().number == journal.hooks_due) {
    attempt = journal.history.back();
  }
  if (attempt.number != 0) {
    const auto status = machine_.hooks.after(attempt, rolling_back != nullptr);
    if (!status) log(Level::warning, "nothing changes by it: " + status.error().what);
  }
  done_.hooks_run = true;
  return ok();
}

}  // namespace cube
