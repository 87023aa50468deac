// The command that says which deaths of a trial this machine survives by itself.
#include <fmt/format.h>

#include <filesystem>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "boot/watchdog/survival.h"

namespace cube::cli {
namespace {

struct Findings {
  std::string loader;
  std::string records;  // what is wrong with the loader's, or ""
  std::string policy;
  SurvivalFacts facts;
  std::vector<Death> deaths;
  std::vector<std::string> unmet;  // what the policy demands and the machine does not have
};

const char* kind_words(WatchdogDevice::Kind kind) {
  switch (kind) {
    case WatchdogDevice::Kind::hardware:
      return "hardware";
    case WatchdogDevice::Kind::unproven:
      return "unproven";
    case WatchdogDevice::Kind::software:
      break;
  }
  return "software";
}

std::vector<std::string> unmet(const Findings& found) {
  std::vector<std::string> all;
  if (!found.records.empty()) all.push_back("no update can be armed: " + found.records);
  if (found.policy == "required" && !found.facts.bmc_trouble.empty())
    all.push_back("watchdog.policy is \"required\": " + found.facts.bmc_trouble);
  return all;
}

template <class T, class Make>
Json list(const std::vector<T>& values, Make make) {
  Json::Array array;
  for (const auto& value : values) array.push_back(make(value));
  return Json(std::move(array));
}

Json::Object to_json(const Findings& found) {
  const auto text = [](const std::string& word) { return Json(word); };
  const SurvivalFacts& facts = found.facts;
  return {{"event", "result"},
          {"deaths", list(found.deaths,
                          [](const Death& death) {
                            return Json(
                                Json::Object{{"death", death.name},
                                             {"survived", std::string(to_string(death.survived))},
                                             {"how", death.how},
                                             {"remedy", death.remedy}});
                          })},
          {"watchdogs", list(facts.devices,
                             [](const WatchdogDevice& device) {
                               return Json(Json::Object{{"device", device.name},
                                                        {"identity", device.identity},
                                                        {"kind", kind_words(device.kind)},
                                                        {"active", device.active}});
                             })},
          {"bmc", facts.bmc_trouble.empty() ? Json("ok") : Json(facts.bmc_trouble)},
          {"policy", found.policy},
          {"pstore", facts.records_kept_by.empty() ? Json() : Json(facts.records_kept_by)},
          {"pstore_possible", list(facts.records_possible, text)},
          {"loader", found.loader},
          {"boot_records", found.records.empty() ? Json("ok") : Json(found.records)},
          {"unmet", list(found.unmet, text)}};
}

std::string devices_text(const SurvivalFacts& facts) {
  std::string text;
  for (const auto& device : facts.devices)
    text += fmt::format("{}{} ({}, {}{})", text.empty() ? "" : ", ", device.name, device.identity,
                        kind_words(device.kind), device.active ? ", active" : "");
  return text.empty() ? "none" : text;
}

std::string to_text(const Findings& found) {
  std::string out = "what a trial may die of, and whether the old release is back by itself\n\n";
  for (const auto& death : found.deaths) {
    out += fmt::format("{:8}{}\n        {}\n", to_string(death.survived), death.what, death.how);
    if (!death.remedy.empty()) out += "        -> " + death.remedy + "\n";
  }
  const SurvivalFacts& facts = found.facts;
  std::string possible;
  for (const auto& store : facts.records_possible)
    possible += (possible.empty() ? "" : ", ") + store;
  out += fmt::format("\nloader    {}, {}\n", found.loader,
                     found.records.empty() ? "records whole" : found.records);
  out +=
      fmt::format("bmc       {} (policy: {})\n",
                  facts.bmc_trouble.empty() ? "has a watchdog" : facts.bmc_trouble, found.policy);
  out += "watchdogs " + devices_text(facts) + "\n";
  out += fmt::format("pstore    {}{}\n",
                     facts.records_kept_by.empty() ? "not in use" : facts.records_kept_by,
                     possible.empty() ? "" : " (this machine could use: " + possible + ")");
  for (const auto& reason : found.unmet) out += "demanded  " + reason + "\n";
  return out;
}

}  // namespace

Result<int> doctor(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const Config& config = appliance->config().config;
  Findings found;
  found.loader = appliance->loader();
  found.policy = config.watchdog_policy;
  if (auto state = appliance->machine().boot.state(); !state) found.records = state.error().what;
  const auto folder = std::filesystem::path(config.boot_environment).parent_path().string();
  found.facts = survival_facts(appliance->root(), appliance->bmc(), found.loader, folder);
  found.deaths = judge_survival(found.facts, found.policy == "off", found.records);
  found.unmet = unmet(found);
  if (common.json)
    fmt::print("{}\n", Json(to_json(found)).line());
  else
    fmt::print("{}", to_text(found));
  return found.unmet.empty() ? exit_done : exit_refused;
}

}  // namespace cube::cli
