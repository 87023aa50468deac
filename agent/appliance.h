// Appliance: the real adapters for one root, wired into a Machine. The only place where the agent
// chooses implementations. With a root other than "/" (`--root DIR`) the same adapters work on the
// appliance laid out in that folder, and a restart is only noted there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/channel_source.h"
#include "agent/config.h"
#include "agent/file_journal_store.h"
#include "agent/fleet/cluster_part.h"
#include "agent/fleet/lock_turn.h"
#include "agent/loader_choice.h"
#include "agent/machine.h"
#include "agent/schedule/schedule.h"
#include "agent/virtual_boot/examination.h"
#include "base/clock.h"
#include "base/root_dir.h"
#include "boot/watchdog/ipmi_device.h"
#include "slots/ostree/ostree_slot_store.h"

namespace cube {

inline constexpr const char* state_folder = "var/lib/cube-update";
inline constexpr const char* verdicts_folder = "var/lib/cube-update/health";
inline constexpr const char* findings_folder = "var/lib/cube-update/foresight";

class Appliance {
 public:
  // `source` replaces the configured repository when it is not empty.
  // Errors: not_found (root), invalid (configuration).
  static Result<std::unique_ptr<Appliance>> open(const std::string& root,
                                                 const std::string& source);
  ~Appliance();

  [[nodiscard]] const RootDir& root() const { return root_; }
  [[nodiscard]] const LoadedConfig& config() const { return config_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  // "grub", "systemd-boot", "uefi", "u-boot", or "unknown": the facts disagree, and boot.loader
  // does not decide.
  [[nodiscard]] const std::string& loader() const { return boot_.name; }
  [[nodiscard]] FileJournalStore& journal() { return journal_; }
  [[nodiscard]] const Schedule& schedule() const { return *schedule_; }
  [[nodiscard]] ChannelSource& source() const { return *source_; }
  [[nodiscard]] IpmiChannel& bmc() { return bmc_; }
  [[nodiscard]] Machine& machine() { return *machine_; }
  // This machine's part in its cluster; nullptr: fleet.cluster names none. Errors: invalid (the
  // configuration), failed.
  [[nodiscard]] Result<fleet::ClusterPart*> cluster();
  // The same with fleet.lock-url: its turns at that lock; nullptr: it names none.
  [[nodiscard]] Result<fleet::LockTurn*> lock_turn();
  // What lies in a slot, to be read. Errors: as OstreeSlotStore::look_into.
  [[nodiscard]] Result<MountedSlot> look_into(SlotId slot) const;
  [[nodiscard]] OstreeSlotStore& slots() { return *slots_; }
  // The next look ahead starts the slot in a virtual machine, whatever is configured or known.
  void demand_virtual_boot() { virtual_->demand(); }

  // The journal; a damaged one is set aside. `told` gets a sentence when that happened. Errors:
  // failed.
  Result<Journal> journal_or_new(std::string& told);
  // Below which nothing is installed: the journal's floor, or what the fallback's seal says while
  // it runs, whichever is higher. So a lost journal does not lower it. Errors: as SlotStore.
  Result<Floor> floor(const Journal& journal);
  // The name of the release that runs; "" when its slot has no seal. Errors: as SlotStore.
  Result<std::string> running_release();

 private:
  Appliance(RootDir root, LoadedConfig config);
  void join_cluster(StartGate& alone);
  void take_turns(StartGate& alone);
  void share_with_others();
  // agent/appliance_foresight.cpp
  void look_ahead_by(const Config& config);
  [[nodiscard]] std::vector<Examination> examinations() const;

  RootDir root_;
  LoadedConfig config_;
  SystemClock clock_;
  FileJournalStore journal_;
  std::unique_ptr<OstreeSlotStore> slots_;
  std::unique_ptr<KernelSource> kernels_;
  ChosenLoader boot_;
  std::unique_ptr<ChannelSource> source_;
  std::unique_ptr<Schedule> schedule_;
  Result<std::unique_ptr<fleet::ClusterPart>> cluster_;
  std::optional<Result<fleet::LockTurn>> lock_;  // with fleet.lock-url
  std::unique_ptr<StartGate> cluster_gate_;  // with either of these: the others, and its gate
  std::unique_ptr<StartGate> planned_;       // with fleet.plan: the schedule, and the plan
  std::unique_ptr<VirtualExamination> virtual_;
  std::unique_ptr<Foresight> foresight_;
  std::unique_ptr<HealthGate> health_;
  std::unique_ptr<UpdateHooks> hooks_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<PostMortem> post_mortem_;
  std::unique_ptr<Rebooter> rebooter_;
  std::unique_ptr<RunningBoot> running_;
  std::unique_ptr<DeliberateFailure> failure_;
  IpmiDevice bmc_;
  std::unique_ptr<BootWatchdog> watchdog_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace cube
