// ClusterPart: this machine's part in its cluster, wired to its real surroundings: etcd, the memory
// on disk, the hooks that take a machine back to work. With fleet.cluster only.
#pragma once

#include <memory>
#include <string>

#include "agent/config.h"
#include "agent/fleet/etcd_store.h"
#include "agent/fleet/memory.h"
#include "agent/fleet/operator_acts.h"
#include "agent/fleet/participant.h"
#include "base/clock.h"
#include "base/root_dir.h"
#include "model/update.h"

namespace cube::fleet {

class ClusterPart {
 public:
  // Asks nobody yet. `root`, `config` and `clock` outlive it. Errors: invalid (the configuration),
  // failed.
  static Result<std::unique_ptr<ClusterPart>> open(const RootDir& root, const Config& config,
                                                   const Clock& clock, const std::string& boot_id);

  [[nodiscard]] const Member& member() const { return member_; }
  [[nodiscard]] Participant& participant() { return *participant_; }
  [[nodiscard]] EtcdStore& store() { return store_; }
  // `by`: who acts, for the cluster's log.
  [[nodiscard]] OperatorActs acts(std::string by);

  // What a place for this update is wanted for: by the rollout plan believed last, with fleet.plan;
  // without one, or for a release that it does not roll out, a rollout of its own with the default
  // limits. Errors: as PlanSource::kept(), without not_found.
  [[nodiscard]] Result<Turn> turn_of(const Update& update) const;
  // Of a rollout that a place is held for. Errors: the same.
  [[nodiscard]] Result<Limits> limits_of(const std::string& rollout) const;

 private:
  ClusterPart(const RootDir& root, const Config& config, const Clock& clock, Member member,
              EtcdStore store)
      : root_(root),
        config_(config),
        clock_(clock),
        member_(std::move(member)),
        memory_(root),
        store_(std::move(store)) {}
  Result<bool> leads_store();

  const RootDir& root_;
  const Config& config_;
  const Clock& clock_;
  Member member_;
  FileFleetMemory memory_;
  EtcdStore store_;
  std::unique_ptr<Participant> participant_;
};

}  // namespace cube::fleet
