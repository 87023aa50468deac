// What an appliance asks of a release before its trial.
#include "agent/appliance.h"
#include "agent/drift/drift_checks.h"
#include "agent/foresight/driver_examination.h"
#include "agent/foresight/fitness.h"
#include "agent/foresight/local_foresight.h"
#include "agent/foresight/lock_rules.h"
#include "agent/foresight/waiver_file.h"

namespace cube {
namespace {

// Below the root; "": the slot is a folder.
Result<std::string> device_of(const OstreeSlotStore& slots, SlotId slot) {
  CUBE_TRY(const auto place, slots.place(slot));
  return place.is_folder ? std::string() : place.path;
}

VirtualBootLimits virtual_limits(const Config& config) {
  return {config.foresight_virtual_memory, std::chrono::seconds(config.foresight_virtual_time),
          std::chrono::seconds(config.foresight_virtual_emulated_time)};
}

}  // namespace

// In the order in which people read it; the virtual machine last, for it takes longest.
std::vector<Examination> Appliance::examinations() const {
  const auto device = [&slots = *slots_](SlotId slot) { return device_of(slots, slot); };
  std::vector<Examination> all{
      {"lock",
       [](const Prospect& prospect) -> Result<insight::Findings> {
         return lock_findings(prospect);
       }},
      driver_examination(device),
  };
  const FitnessPorts ports{boot_.name,
                           config_.config.boot_esp,
                           device,
                           [&slots = *slots_](SlotId slot) { return slots.look_into(slot); },
                           [&boot = *boot_.control] { return boot.state(); },
                           [&slots = *slots_](SlotId slot) { return slots.seal_of(slot); }};
  if (config_.config.health_drift == "required") all.push_back(drift_examination(*slots_));
  for (auto& examination : fitness_examinations(ports)) all.push_back(std::move(examination));
  if (config_.config.health_drift == "required") all.push_back(drift_examination(*slots_));
  all.push_back({"virtual-boot", [&in_virtual_machine = *virtual_](const Prospect& prospect) {
                   return in_virtual_machine.look(prospect);
                 }});
  return all;
}

void Appliance::look_ahead_by(const Config& config) {
  virtual_ = std::make_unique<VirtualExamination>(
      root_, virtual_policy(config.foresight_virtual), virtual_limits(config),
      [&slots = *slots_](SlotId slot) -> Result<std::string> {
        CUBE_TRY(auto device, device_of(slots, slot));
        if (!device.empty()) return device;
        return Error{Errc::unsuitable,
                     "slot " + std::string(to_string(slot)) + " is a folder, no disk"};
      });
  const auto marks = [this](insight::Findings& findings, const Prospect& prospect) {
    return waive(root_, prospect.tree, clock_.now(), findings);
  };
  foresight_ = std::make_unique<LocalForesight>(
      root_, findings_folder,
      ForesightPorts{[&slots = *slots_](SlotId slot) { return slots.look_into(slot); },
                     examinations(), marks, config.foresight_policy == "warn"});
}

}  // namespace cube
