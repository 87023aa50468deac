// cube-update fleet plan, and what other commands ask of the plan.
#include "agent/cli/fleet/fleet_plan.h"

#include <fmt/format.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/fleet/plan_facts.h"
#include "agent/fleet/planned_start.h"
#include "base/log.h"

namespace cube::cli {
namespace {

using fleet::Holds;
using fleet::Judgement;
using fleet::PlanInForce;
using fleet::PlanSource;
using fleet::Reason;
using fleet::RolloutJudgement;

// The newest plan; the kept one while the source is out of reach.
Result<PlanInForce> plan_of(Appliance& appliance, std::string& out_of_reach) {
  const PlanSource source(appliance.root());
  CUBE_TRY(auto* channel, appliance.source().channel());
  auto force = source.read(*channel);
  if (force || (force.error().code != Errc::unreachable && force.error().code != Errc::not_found))
    return force;
  if (force.error().code == Errc::not_found) {
    force.error().code = Errc::refused;
    return force;
  }
  auto kept = source.kept();
  if (!kept) return force;
  out_of_reach = force.error().what;
  return kept;
}

Json json_of(const std::vector<Reason>& reasons) {
  Json::Array list;
  for (const auto& reason : reasons) {
    Json::Object object{{"reason", std::string(reason.word)}, {"sentence", reason.sentence}};
    if (reason.until) object["until"] = format_utc(*reason.until);
    list.push_back(std::move(object));
  }
  return list;
}

Json json_of(const RolloutJudgement& rollout) {
  Json::Object object{{"id", rollout.id},
                      {"release", rollout.release},
                      {"bucket", std::uint64_t{rollout.bucket}},
                      {"ppm", std::uint64_t{rollout.ppm}},
                      {"canary", rollout.canary},
                      {"forced", rollout.forced},
                      {"reasons", json_of(rollout.reasons)}};
  if (rollout.eligible) object["eligible"] = format_utc(*rollout.eligible);
  return object;
}

void tell_json(const PlanView& view, UnixSeconds at) {
  const auto& plan = view.force.plan;
  Json::Array rollouts;
  for (const auto& rollout : view.judgement.rollouts) rollouts.push_back(json_of(rollout));
  Json::Object object{{"event", "result"},
                      {"at", format_utc(at)},
                      {"serial", plan.serial},
                      {"site_serial", view.force.site_serial},
                      {"issued", format_utc(plan.issued)},
                      {"expires", format_utc(plan.expires)},
                      {"out_of_reach", view.out_of_reach},
                      {"unit", view.node.unit},
                      {"running", view.node.running},
                      {"release", view.judgement.may_begin()},
                      {"may_restart", view.judgement.may_restart()},
                      {"why_not", view.judgement.why_not()},
                      {"reasons", json_of(view.judgement.reasons)},
                      {"rollouts", rollouts}};
  if (const auto opening = view.windows.none() ? std::nullopt : view.windows.next(at))
    object["window"] =
        Json::Object{{"begin", format_utc(opening->begin)}, {"end", format_utc(opening->end)}};
  fmt::print("{}\n", Json(std::move(object)).line());
}

std::string line_of(const Reason& reason) {
  return fmt::format("    {:<17} {}\n", reason.word, printable(told(reason)));
}

void explain(const PlanView& view, UnixSeconds at) {
  const auto& plan = view.force.plan;
  std::string text = fmt::format("plan      serial {}, {} to {}\n", plan.serial,
                                 format_utc(plan.issued), format_utc(plan.expires));
  if (view.force.site_serial > 0)
    text += fmt::format("site      narrowed by its plan, serial {}\n", view.force.site_serial);
  text += fmt::format("machine   unit {}, runs {}\n", view.node.unit,
                      view.node.running.empty() ? "an unknown release" : view.node.running);
  for (const auto& reason : view.judgement.reasons) text += line_of(reason);
  for (const auto& rollout : view.judgement.rollouts) {
    text += fmt::format("rollout   {} of {}\n", rollout.id, rollout.release);
    text += fmt::format("    {}bucket {}, ramp at {} of a million",
                        rollout.canary ? "canary, " : "", rollout.bucket, rollout.ppm);
    if (rollout.eligible)
      text += fmt::format("; its turn {} {}", *rollout.eligible <= at ? "since" : "from",
                          format_utc(*rollout.eligible));
    text += rollout.forced ? "; its deadline is over\n" : "\n";
    for (const auto& reason : rollout.reasons) text += line_of(reason);
  }
  fmt::print("{}", text);
}

int tell(const PlanView& view) {
  const auto& judgement = view.judgement;
  if (judgement.may_restart())
    fmt::print("{} may be installed now\n", judgement.may_begin());
  else if (judgement.chosen)
    fmt::print("{} may be downloaded now; its restart has to wait: {}\n", judgement.may_begin(),
               printable(judgement.why_not()));
  else
    fmt::print("nothing may begin: {}\n", printable(judgement.why_not()));
  return exit_done;
}

int exit_code_of(const Judgement& judgement) {
  if (judgement.may_restart()) return exit_done;
  switch (judgement.outcome()) {
    case Holds::until_later:
      return exit_waiting;
    case Holds::until_changed:
      return exit_refused;
    case Holds::nothing_to_do:
      return exit_nothing_to_do;
  }
  return exit_failed;
}

}  // namespace

Result<PlanView> view_plan(Appliance& appliance, const Journal& journal, UnixSeconds at) {
  PlanView view;
  CUBE_TRY(const auto running, appliance.running_release());
  CUBE_TRY(view.node,
           fleet::facts_of_node(appliance.root(), appliance.config().config, journal, running));
  appliance.source().set_not_before(view.node.not_before);
  CUBE_TRY(view.force, plan_of(appliance, view.out_of_reach));
  CUBE_TRY(view.windows, fleet::windows_here(view.force.plan, appliance.schedule()));
  view.judgement = fleet::judge(view.force.plan, view.windows, view.node, at);
  return view;
}

Result<std::string> release_by_plan(const PlanView& view) {
  if (view.judgement.chosen) return view.judgement.may_begin();
  const bool refused = view.judgement.outcome() == Holds::until_changed;
  return Error{refused ? Errc::refused : Errc::nothing_to_do,
               "rollout plan: " + view.judgement.why_not()};
}

Status refresh_bans(Appliance& appliance) {
  if (!appliance.config().config.fleet_plan) return ok();
  CUBE_TRY(const auto running, appliance.running_release());
  if (const auto name = ReleaseName::parse(running))
    appliance.source().set_not_before(built_at(*name));
  CUBE_TRY(auto* channel, appliance.source().channel());
  const auto force = PlanSource(appliance.root()).read(*channel);
  if (force || force.error().code == Errc::not_found || force.error().code == Errc::unreachable)
    return ok();
  return Error(force.error()).in("rollout plan");
}

Result<int> fleet_plan(const Common& common, const FleetPlanOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, absolute_place(options.from)));
  if (!appliance->config().config.fleet_plan)
    return Error{Errc::invalid,
                 "this machine heeds no rollout plan; set fleet.plan = true in "
                 "/etc/cube-update/config.d"};
  appliance->source().go_through(options.through);
  CUBE_TRY(const auto journal, appliance->journal().load());
  auto at = appliance->clock().now();
  if (!options.at.empty()) {
    CUBE_TRY(at, appliance->schedule().parse_time(options.at));
  }
  CUBE_TRY(const auto view, view_plan(*appliance, journal, at));
  if (common.json) {
    tell_json(view, at);
    return exit_code_of(view.judgement);
  }
  if (!view.out_of_reach.empty())
    fmt::print("the plan as it was believed last, for the source is out of reach: {}\n",
               printable(view.out_of_reach));
  if (options.explain) explain(view, at);
  tell(view);
  return exit_code_of(view.judgement);
}

}  // namespace cube::cli
