// The commands that only look: status, check, history, config.
#include <fmt/format.h>

#include <algorithm>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/fleet/fleet_plan.h"
#include "agent/cli/render.h"
#include "agent/cli/stale.h"
#include "agent/drift/running_drift.h"
#include "agent/health/verdict_file.h"
#include "agent/lock.h"
#include "agent/schedule/download_start.h"
#include "agent/selection.h"
#include "agent/virtual_boot/virtual_boot_record.h"
#include "base/priority.h"

namespace cube::cli {
namespace {

void print(const std::string& text) {
  fmt::print("{}", text);
}
// Of an attempt; nullopt: health was not asked, or it is not known any more.
std::optional<Verdict> verdict_of(const Appliance& appliance, std::uint64_t attempt) {
  auto verdict = load_verdict(appliance.root(), verdicts_folder, attempt);
  return verdict ? std::move(*verdict) : std::nullopt;
}
void print_line(const Json::Object& object) {
  fmt::print("{}\n", Json(object).line());
}

}  // namespace

Result<int> status(const Common& common, const std::string& drift) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  StatusFacts facts;
  facts.loader = appliance->loader();
  CUBE_TRY(facts.journal, appliance->journal().load());
  const Machine& machine = appliance->machine();
  CUBE_TRY(facts.booted, machine.slots.booted());
  // The other slot is mounted to be read, so it is left alone while an updater works in it.
  const auto lock = take_lock(appliance->root(), 0);
  facts.other_slot_in_work = !lock;
  for (const SlotId slot : {SlotId::a, SlotId::b}) {
    if (slot != facts.booted && facts.other_slot_in_work) continue;
    CUBE_TRY((slot == SlotId::a ? facts.seal_a : facts.seal_b), machine.slots.seal_of(slot));
  }
  if (auto boot = machine.boot.state())
    facts.boot = *boot;
  else
    facts.boot_error = boot.error().what;
  const auto* staged = std::get_if<Staged>(&facts.journal.phase);
  if (staged != nullptr) {
    const auto hold = machine.gate.holds_back(staged->update, appliance->clock().now());
    facts.hold = hold ? *hold : hold.error().what;
    if (facts.hold.empty() && !staged->update.held.empty())
      facts.hold = "held back by " + staged->update.held;
  }
  const Schedule& schedule = appliance->schedule();
  const auto& config = appliance->config().config;
  if (std::holds_alternative<Idle>(facts.journal.phase))
    if (const auto later =
            DownloadStart(appliance->root(), schedule, config.schedule_download_spread).waiting())
      facts.hold = later->release + ": its download begins " + schedule.format(later->at);
  if (const auto boot = machine.running.facts()) facts.started_by = boot->started_by;
  const Update* update = update_of(facts.journal.phase);
  const auto& history = facts.journal.history;
  if (update != nullptr) facts.last_verdict = verdict_of(*appliance, update->attempt);
  if (!facts.last_verdict && !history.empty())
    facts.last_verdict = verdict_of(*appliance, history.back().number);
  if (auto boot = load_virtual_boot(appliance->root())) facts.virtual_boot = *std::move(boot);
  CUBE_TRY(facts.floor, appliance->floor(facts.journal));
  Json::Object object = status_json(facts);
  std::string text = status_text(facts);
  bool drifted = false;
  if (!drift.empty()) {
    CUBE_CHECK(lower_io_priority(Priority::idle));
    CUBE_TRY(const auto found, running_drift(appliance->root(), appliance->slots(), drift == "full",
                                             [](const Progress&) {}));
    object["drift"] = drift_json(found);
    text += "\n" + drift_text(found);
    drifted = found.any();
  }
  if (common.json)
    print_line(object);
  else
    print(text);
  return drifted ? exit_refused : exit_done;
}

Result<int> check(const Common& common, const LookOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, absolute_place(options.from)));
  if (options.accept_stale) CUBE_CHECK(accept_stale(*appliance));
  appliance->source().go_through(options.through);
  CUBE_TRY(const auto journal, appliance->journal().load());
  std::string wanted;
  if (appliance->config().config.fleet_plan) {
    CUBE_TRY(const auto view, view_plan(*appliance, journal, appliance->clock().now()));
    CUBE_TRY(wanted, release_by_plan(view));
  }
  CUBE_TRY(const auto selection, select_release(*appliance, journal, wanted));
  const Release& release = selection.release.get();
  const auto stale = log_stale(*appliance);
  if (!stale.empty() && !common.json) print(stale + "\n");
  if (common.json)
    print_line({{"event", "result"},
                {"release", release.name.text},
                {"stale", stale},
                {"epoch", release.epoch},
                {"tree_bytes", release.tree_bytes},
                {"kernel", release.kernel_release}});
  else
    fmt::print("{} is available (kernel {}); install it with `cube-update apply`\n",
               release.name.text,
               release.kernel_release.empty() ? "unknown" : release.kernel_release);
  return exit_done;
}

Result<int> history(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto journal, appliance->journal().load());
  for (const auto& attempt : journal.history) {
    const auto verdict = verdict_of(*appliance, attempt.number);
    if (common.json) {
      Json::Object line = attempt_json(attempt);
      line["health"] = verdict ? verdict_json(*verdict) : Json();
      print_line(line);
      continue;
    }
    fmt::print("{}\n", attempt_text(attempt));
    const auto told = verdict ? verdict_text(*verdict) : "";
    if (!told.empty()) fmt::print("    health: {}\n", told);
  }
  if (journal.history.empty() && !common.json) fmt::print("no updates yet\n");
  return exit_done;
}

Result<int> config_show(const Common& common) {
  CUBE_TRY(const auto root, RootDir::open(common.root));
  CUBE_TRY(const auto loaded, load_config(root));
  for (const auto& entry : loaded.entries) {
    if (common.json)
      print_line({{"key", entry.key},
                  {"value", entry.value},
                  {"origin", entry.origin},
                  {"meaning", entry.meaning}});
    else
      fmt::print("{} = {}\n    {}  [{}]\n", entry.key, entry.value, entry.meaning, entry.origin);
  }
  return exit_done;
}

Result<int> config_check(const Common& common) {
  CUBE_TRY(const auto root, RootDir::open(common.root));
  CUBE_TRY(const auto loaded, load_config(root));
  const auto set = std::count_if(loaded.entries.begin(), loaded.entries.end(),
                                 [](const auto& entry) { return entry.origin != "default"; });
  if (common.json)
    print_line(
        {{"event", "result"}, {"valid", true}, {"keys_set", static_cast<std::uint64_t>(set)}});
  else
    fmt::print("the configuration is valid; {} of {} keys are set\n", set, loaded.entries.size());
  return exit_done;
}

}  // namespace cube::cli
