// cube-update preflight: what would speak against the release in the other slot, without a trial.
#include <fmt/format.h>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "agent/cli/stop_signals.h"
#include "agent/lock.h"

namespace cube::cli {
namespace {

using insight::Finding;
using insight::Findings;
using insight::Grade;

// What is known of the release in that slot: by its seal, or by the update that filled it.
Result<Release> release_in(Appliance& appliance, const Journal& journal, SlotId slot) {
  if (const Update* update = update_of(journal.phase); update != nullptr && update->target == slot)
    return update->release;
  Release release;
  CUBE_TRY(const auto seal, appliance.slots().seal_of(slot));
  if (!seal) return release;
  if (auto name = ReleaseName::parse(seal->release)) release.name = *std::move(name);
  release.commit = seal->commit;
  release.manifest_sha256 = seal->manifest_sha256;
  release.epoch = seal->epoch;
  return release;
}

void print(const Finding& finding) {
  const std::string_view mark = !finding.waiver.empty() ? "waived" : word_for(finding.grade);
  fmt::print("{:8} {}\n", mark, finding.what);
  if (finding.grade == Grade::good) return;
  if (!finding.remedy.empty()) fmt::print("         {}\n", finding.remedy);
  if (finding.grade == Grade::refusal) fmt::print("         id: {}\n", finding.id());
}

void print(const Findings& findings, const std::string& release, SlotId slot) {
  fmt::print("{} in slot {}:\n", release.empty() ? "what is" : release, to_string(slot));
  for (const auto& finding : findings) print(finding);
  if (findings.empty()) fmt::print("nothing could be examined\n");
  fmt::print("{}\n", any_refuses(findings) ? "an update to it is refused on this machine"
                                           : "nothing known speaks against it");
}

}  // namespace

Result<int> preflight(const Common& common, bool in_virtual_machine) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  CUBE_TRY(const auto journal, appliance->journal().load());
  CUBE_TRY(const auto booted, appliance->slots().booted());
  const SlotId slot = other(booted);
  CUBE_TRY(const auto release, release_in(*appliance, journal, slot));
  if (in_virtual_machine) appliance->demand_virtual_boot();
  Narrator narrator(common.json);
  const StopSignals signals;
  CUBE_TRY(const auto findings, appliance->machine().foresight.look_ahead(
                                    slot, release, narrator.progress(StopSignals::asked())));
  const bool refused = any_refuses(findings);
  narrator.result({{"release", release.name.text},
                   {"slot", std::string(to_string(slot))},
                   {"refused", refused},
                   {"findings", findings_json(findings)}});
  if (!common.json) print(findings, release.name.text, slot);
  return refused ? exit_refused : exit_done;
}

}  // namespace cube::cli
