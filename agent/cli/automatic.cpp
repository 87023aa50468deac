// What the timer runs every few minutes: cube-update automatic.
#include <charconv>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/fleet_cluster.h"
#include "agent/cli/fleet_plan.h"
#include "agent/cli/last_look.h"
#include "agent/cli/narrator.h"
#include "agent/cli/updater_run.h"
#include "agent/fleet/plan_source.h"
#include "agent/lock.h"
#include "agent/schedule/download_start.h"
#include "agent/selection.h"
#include "base/durable_file.h"
#include "base/log.h"

namespace cube::cli {
namespace {

constexpr const char* state = "var/lib/cube-update";
constexpr const char* last_look = "var/lib/cube-update/last-look";

// Also when nothing comes of it: a source that does not answer is not asked every few minutes.
bool is_time_to_look(Appliance& appliance) {
  const auto now = appliance.clock().now();
  if (!appliance.schedule().check_is_due(last_look_of(appliance.root()), now)) return false;
  auto noted = appliance.root().make_dirs(state);
  if (noted) noted = replace_file(appliance.root(), last_look, std::to_string(now) + "\n");
  if (!noted) log(Level::warning, "time of the last look: " + noted.error().what);
  return true;
}

DownloadStart download_start(Appliance& appliance) {
  return {appliance.root(), appliance.schedule(),
          appliance.config().config.schedule_download_spread};
}

// A release that was put off is looked for again when its time has come, whatever the interval
// says.
bool is_time(Appliance& appliance) {
  const bool due = download_start(appliance).is_due(appliance.clock().now());
  return is_time_to_look(appliance) || due;
}

bool waits(const Phase& phase) {
  const auto* staged = std::get_if<Staged>(&phase);
  return staged != nullptr && staged->update.start != Start::at_once;
}

bool is_blocked(Appliance& appliance, const std::string& release) {
  const auto by_plan = fleet::blocked_by_plan(appliance.root());
  if (by_plan && by_plan->count(release) != 0) return true;
  const auto cluster = appliance.cluster();
  if (!cluster || *cluster == nullptr) return false;
  const auto at_gate = (*cluster)->participant().blocked();
  return at_gate && at_gate->count(release) != 0;
}

bool is_surpassed(Appliance& appliance, const Journal& journal, const std::string& release) {
  if (!appliance.config().config.fleet_plan) return false;
  const auto view = view_plan(appliance, journal, appliance.clock().now());
  if (!view) return false;
  const auto by_plan = view->judgement.may_begin();
  return !by_plan.empty() && by_plan != release;
}

// Another release is to take the place of the update that waits: its own was blocked meanwhile, or
// the plan lets a newer one begin; and it is time to look for one.
bool is_replaced(Appliance& appliance) {
  const auto journal = appliance.journal().load();
  const auto* update = journal ? update_of(journal->phase) : nullptr;
  if (update == nullptr || appliance.config().config.schedule_automatic == "off") return false;
  const auto& release = update->release.name.text;
  return (is_blocked(appliance, release) || is_surpassed(appliance, *journal, release)) &&
         is_time_to_look(appliance);
}

// The exit code of the run when there was a staged update to look after, or was one under way;
// nullopt: it is time to look for a release.
Result<std::optional<int>> look_after(Appliance& appliance, const Common& common) {
  CUBE_TRY(const auto lock, take_lock(appliance.root()));
  Narrator narrator(common.json);
  CUBE_TRY(const auto journal, settle(appliance, narrator));
  if (waits(journal.phase)) {
    CUBE_CHECK(refresh_bans(appliance));
    CUBE_TRY(const auto report,
             Updater(appliance.machine()).run(make_run(narrator, Wish::resume, true)));
    const int code = conclude(narrator, report);
    if (report.failure) return failure_of(report);
    if (code == exit_waiting && is_replaced(appliance)) return std::optional<int>();
    return std::optional(code);
  }
  if (auto obstacle = in_the_way(journal.phase)) return *obstacle;
  const bool armed = std::holds_alternative<Armed>(journal.phase);
  if (armed || appliance.config().config.schedule_automatic == "off" || !is_time(appliance))
    return std::optional(exit_nothing_to_do);
  return std::optional<int>();
}

// This machine's part in its cluster, whatever its own updates do. What goes wrong here keeps
// nobody from going on: it is tried again the next time.
void take_part(Appliance& appliance) {
  const auto turn = settle_turn(appliance);
  if (!turn) log(Level::warning, "the group's lock: " + turn.error().what);
  const auto cluster = appliance.cluster();
  if (cluster && *cluster == nullptr) return;
  const auto done = cluster ? take_part_in(appliance, **cluster) : Status(cluster.error());
  if (!done) log(Level::warning, "the cluster: " + done.error().what);
}

// What the rollout plan lets this machine begin; nullopt: nothing now, which is told. Errors: as
// view_plan; nothing_to_do.
Result<std::optional<std::string>> planned(Appliance& appliance, const Common& common) {
  CUBE_TRY(const auto journal, appliance.journal().load());
  CUBE_TRY(const auto view, view_plan(appliance, journal, appliance.clock().now()));
  auto release = release_by_plan(view);
  if (release) return std::optional<std::string>(*release);
  if (view.judgement.outcome() == fleet::Holds::nothing_to_do) return std::move(release).error();
  if (!common.json) Narrator(false).say(release.error().what);
  return std::optional<std::string>();
}

// Whether the download of the release that would be taken shall begin later; then that is told.
// What cannot be selected now is for the command itself to tell. Errors: as DownloadStart.
Result<bool> put_off(Appliance& appliance, const std::string& release) {
  const Config& config = appliance.config().config;
  if (config.schedule_download_spread == 0 || config.schedule_automatic == "check") return false;
  CUBE_TRY(const auto journal, appliance.journal().load());
  if (!std::holds_alternative<Idle>(journal.phase)) return false;
  const auto selection = select_release(appliance, journal, release);
  auto start = download_start(appliance);
  if (selection) {
    const std::string& name = selection->release.get().name.text;
    const auto now = appliance.clock().now();
    CUBE_TRY(const auto begin, start.begin_of(name, now));
    if (begin > now) {
      log(Level::notice, name + ": its download begins " + appliance.schedule().format(begin));
      return true;
    }
  }
  CUBE_CHECK(start.forget());
  return false;
}

}  // namespace

UnixSeconds last_look_of(const RootDir& root) {
  const auto text = root.read_file(last_look, 64);
  UnixSeconds time = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), time);
  return time;
}

Result<int> automatic(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  take_part(*appliance);
  CUBE_TRY(const auto code, look_after(*appliance, common));
  if (code && *code == exit_waiting) take_part(*appliance);
  if (code) return *code;
  const std::string what = appliance->config().config.schedule_automatic;
  ApplyOptions options;
  options.in_window = appliance->schedule().has_windows();
  if (appliance->config().config.fleet_plan) {
    CUBE_TRY(const auto by_plan, planned(*appliance, common));
    if (!by_plan) return exit_waiting;
    options.release = *by_plan;
    options.planned = options.in_window = true;
  }
  CUBE_TRY(const bool later, put_off(*appliance, options.release));
  if (later) return exit_waiting;
  appliance.reset();
  if (what == "check") return check(common, {});
  return what == "fetch" ? fetch(common, options) : apply(common, options);
}

}  // namespace cube::cli
