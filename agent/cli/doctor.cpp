// The command that says whether an update would work here, and the way back from it.
#include <fmt/format.h>

#include <filesystem>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "agent/cli/readiness_facts.h"
#include "boot/watchdog/survival.h"

namespace cube::cli {
namespace {

struct Findings {
  std::vector<ReadinessFinding> ready;
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
  for (const auto& finding : found.ready)
    if (finding.ready == Ready::no) all.push_back(finding.what + ": " + finding.how);
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
  return {
      {"event", "result"},
      {"checks", list(found.ready,
                      [](const ReadinessFinding& finding) {
                        return Json(Json::Object{{"check", finding.name},
                                                 {"ready", std::string(to_string(finding.ready))},
                                                 {"how", finding.how},
                                                 {"remedy", finding.remedy}});
                      })},
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

std::string entry(std::string_view word, const std::string& what, const std::string& how,
                  const std::string& remedy) {
  return fmt::format("{:8}{}\n        {}\n{}", word, what, how,
                     remedy.empty() ? "" : "        -> " + remedy + "\n");
}

std::string to_text(const Findings& found) {
  std::string out = "would an update work here now, and the way back?\n\n";
  for (const auto& finding : found.ready)
    out += entry(to_string(finding.ready), finding.what, finding.how, finding.remedy);
  out += "\nwhat a trial may die of, and whether the old release is back by itself\n\n";
  for (const auto& death : found.deaths)
    out += entry(to_string(death.survived), death.what, death.how, death.remedy);
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
  for (const auto& reason : found.unmet) out += "missing   " + reason + "\n";
  return out;
}

}  // namespace

Result<int> doctor(const Common& common, const DoctorOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const Config& config = appliance->config().config;
  Findings found;
  found.loader = appliance->loader();
  found.policy = config.watchdog_policy;
  Narrator narrator(common.json);
  CUBE_TRY(const auto facts, readiness_facts(*appliance, options, narrator.progress()));
  found.records = facts.records_trouble;
  found.ready = judge_readiness(facts);
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
