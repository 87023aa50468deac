#include "agent/cli/fleet_status.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "agent/cli/exit_code.h"
#include "agent/cli/fleet_cluster.h"
#include "agent/cli/fleet_page.h"
#include "agent/cli/render.h"
#include "agent/cli/stop_signals.h"
#include "agent/cli/watch.h"
#include "agent/cli/whole_file.h"
#include "agent/fleet/node_state.h"
#include "agent/fleet/plan_source.h"
#include "base/json.h"

namespace cube::cli {
namespace {

constexpr std::chrono::seconds longest_look{20};

Json json_of(const fleet::Notice& notice) {
  return Json::Object{{"reason", notice.reason}, {"by", notice.by}, {"at", format_utc(notice.at)}};
}

std::string json_line(const std::string& cluster, const fleet::ClusterView& view) {
  Json::Array holders, failures, blocked, nodes, unreadable;
  for (const auto& one : view.gate.holders)
    holders.push_back(Json::Object{{"node", one.node},
                                   {"rollout", one.rollout},
                                   {"domain", one.domain},
                                   {"since", format_utc(one.since)}});
  for (const auto& one : view.gate.failures)
    failures.push_back(Json::Object{{"node", one.node},
                                    {"rollout", one.rollout},
                                    {"release", one.release},
                                    {"why", one.why},
                                    {"stage", one.stage},
                                    {"hardware", one.hardware}});
  for (const auto& [release, why] : view.gate.blocked)
    blocked.push_back(Json::Object{{"release", release}, {"why", why}});
  for (const auto& key : view.gate.unreadable) unreadable.emplace_back(key);
  std::map<std::string, std::string> states;
  for (const auto& one : fleet::states_of(view)) states[one.node] = fleet::to_string(one.state);
  for (const auto& one : view.nodes)
    nodes.push_back(Json::Object{{"node", one.node},
                                 {"state", states[one.node]},
                                 {"release", one.status.release},
                                 {"phase", one.status.phase},
                                 {"target", one.status.target},
                                 {"says", one.status.says},
                                 {"domain", one.domain},
                                 {"at", format_utc(one.at)}});
  Json::Object object{{"event", "result"},        {"cluster", cluster},
                      {"holders", holders},       {"failures", failures},
                      {"blocked", blocked},       {"nodes", nodes},
                      {"unreadable", unreadable}, {"waiting", std::uint64_t{view.waiting}}};
  if (view.gate.halt) object["halt"] = json_of(*view.gate.halt);
  if (view.gate.pause) object["pause"] = json_of(*view.gate.pause);
  if (view.gate.plan) object["plan_serial"] = view.gate.plan->serial;
  return Json(std::move(object)).line() + "\n";
}

std::string text_of(const std::string& cluster, const fleet::ClusterView& view) {
  const auto& gate = view.gate;
  std::string text = fmt::format("cluster   {}, {} machines\n", cluster, view.nodes.size());
  if (gate.halt)
    text += fmt::format("HALTED    {} ({}, {})\n", gate.halt->reason, gate.halt->by,
                        format_utc(gate.halt->at));
  if (gate.pause)
    text += fmt::format("paused    {} ({}, {})\n", gate.pause->reason, gate.pause->by,
                        format_utc(gate.pause->at));
  for (const auto& key : gate.unreadable) text += fmt::format("UNKNOWN   {}: nobody begins\n", key);
  if (gate.plan) text += fmt::format("plan      serial {}\n", gate.plan->serial);
  for (const auto& one : gate.holders)
    text += fmt::format("away      {} ({}) since {}, rollout {}\n", one.node,
                        one.domain.empty() ? "unknown domain" : one.domain, format_utc(one.since),
                        one.rollout);
  if (view.waiting > 0) text += fmt::format("waiting   {}\n", view.waiting);
  for (const auto& one : gate.failures)
    text += fmt::format("failed    {} in rollout {}: {}\n", one.node, one.rollout, one.why);
  for (const auto& [release, why] : gate.blocked)
    text += fmt::format("blocked   {}: {}\n", release, why);
  for (const auto& one : view.nodes)
    text += fmt::format("{:<16} {:<10} {:<11} {} {}\n", one.node, printable(one.domain),
                        printable(one.status.phase), printable(one.status.release),
                        printable(one.status.says));
  return text;
}

Result<FleetPage> page_of(Appliance& appliance, fleet::ClusterPart& cluster,
                          fleet::ClusterView view) {
  const auto& config = appliance.config().config;
  FleetPage page;
  page.cluster = cluster.member().cluster;
  page.writer = cluster.member().node;
  page.version = CUBE_VERSION;
  page.unit = config.fleet_unit.empty() ? config.fleet_cluster : config.fleet_unit;
  page.view = std::move(view);
  CUBE_TRY(page.log, fleet::read_log(cluster.store(), page.cluster));
  page.written = appliance.clock().now();
  if (!config.fleet_plan) return page;
  if (auto force = fleet::PlanSource(appliance.root()).kept())
    page.plan = std::move(force->plan);
  else
    page.no_plan = force.error().what;
  return page;
}

Status write_page(const std::string& file, const std::string& text) {
  if (file != "-") return write_whole("--html", file, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return ok();
  return Error{Errc::failed, "--html -: nobody reads standard output"};
}

Status keep_watching(const Common& common, fleet::ClusterPart& cluster, Seconds every) {
  const auto& name = cluster.member().cluster;
  cluster.store().gateway().limit(longest_look, [] { return StopSignals::asked().load(); });
  return watch({every, common.json, [&]() -> Result<std::string> {
                  CUBE_TRY(const auto view, fleet::look_at(cluster.store(), name));
                  return common.json ? json_line(name, view) : text_of(name, view);
                }});
}

}  // namespace

Result<int> fleet_status(const Common& common, const FleetStatusOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(auto* cluster, cluster_of(*appliance));
  const auto& name = cluster->member().cluster;
  if (options.watch > 0) {
    CUBE_CHECK(keep_watching(common, *cluster, options.watch));
    return exit_done;
  }
  CUBE_TRY(auto view, fleet::look_at(cluster->store(), name));
  const int code = view.gate.halt || !view.gate.unreadable.empty() ? exit_refused : exit_done;
  if (!options.html.empty()) {
    CUBE_TRY(const auto page, page_of(*appliance, *cluster, std::move(view)));
    CUBE_CHECK(write_page(options.html, fleet_page(page)));
    return code;
  }
  fmt::print("{}", common.json ? json_line(name, view) : text_of(name, view));
  return code;
}

}  // namespace cube::cli
