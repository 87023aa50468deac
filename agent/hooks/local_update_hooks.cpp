#include "agent/hooks/local_update_hooks.h"

#include <algorithm>

#include "agent/hooks/run_hook.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* migrations = "migrate.d";
// All hooks of one occasion together: so that a machine is not held up by the number of them.
constexpr std::chrono::seconds longest{600};

std::vector<std::string> variables_of(std::uint64_t attempt, const std::string& release,
                                      const std::string& from, SlotId target) {
  return {"CUBE_ATTEMPT=" + std::to_string(attempt), "CUBE_RELEASE=" + release,
          "CUBE_FROM_RELEASE=" + from, "CUBE_TARGET_SLOT=" + std::string(to_string(target))};
}

std::string told(Rehearsal rehearsal) {
  return "CUBE_REHEARSAL=" + std::string(to_string(rehearsal));
}

std::vector<std::string> variables_of(const Update& update) {
  auto all =
      variables_of(update.attempt, update.release.name.text, update.from_release, update.target);
  all.push_back(std::string("CUBE_RETURNING=") + (update.returning ? "1" : "0"));
  all.push_back(told(update.rehearsal));
  return all;
}

Status refused_by(const std::string& occasion, const std::vector<HookRun>& runs) {
  const auto failures = failures_of(runs);
  if (failures.empty()) return ok();
  return Error{Errc::refused, occasion + "/" + failures};
}

}  // namespace

Result<std::string> LocalUpdateHooks::next_migration(const std::string& done) const {
  CUBE_TRY(const auto hooks, hooks_in(root_, migrations));
  const auto next = std::find_if(hooks.begin(), hooks.end(), [&](const Hook& hook) {
    return hook.name > done || mutated("migrations-again");
  });
  return next == hooks.end() ? std::string() : next->name;
}

Status LocalUpdateHooks::migrate(const std::string& name, const Update& update, Seconds within) {
  CUBE_TRY(const auto hooks, hooks_in(root_, migrations));
  const auto hook = std::find_if(hooks.begin(), hooks.end(),
                                 [&](const Hook& candidate) { return candidate.name == name; });
  if (hook == hooks.end()) return Error{Errc::refused, "migrate.d/" + name + ": is gone"};
  CUBE_TRY(const auto old, look_into_(other(update.target)));
  auto variables = variables_of(update);
  variables.push_back("CUBE_OLD_SLOT=" + old.tree().path());
  const auto left = std::chrono::seconds(within);
  return refused_by(migrations,
                    {run_hook(root_, *hook, std::min(config_.migration_timeout, left), variables)});
}

Status LocalUpdateHooks::before_restart(const Update& update) {
  CUBE_TRY(const auto runs,
           run_hooks(root_, "pre-reboot.d", config_.timeout, longest, variables_of(update)));
  if (mutated("pre-reboot-ignored")) return ok();
  return refused_by("pre-reboot.d", runs);
}

Status LocalUpdateHooks::after(const Attempt& attempt, bool on_trial) {
  const std::string occasion = attempt.outcome == Outcome::committed ? "green.d" : "red.d";
  auto variables =
      variables_of(attempt.number, attempt.release, attempt.from_release, attempt.target);
  variables.push_back("CUBE_OUTCOME=" + std::string(to_string(attempt.outcome)));
  variables.push_back("CUBE_CAUSE=" + std::string(to_string(attempt.why.cause)));
  variables.push_back(std::string("CUBE_ON_TRIAL=") + (on_trial ? "1" : "0"));
  variables.push_back(told(attempt.rehearsal));
  CUBE_TRY(const auto runs, run_hooks(root_, occasion, config_.timeout, longest, variables));
  return refused_by(occasion, runs);
}

}  // namespace cube
