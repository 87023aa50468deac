// LocalForesight: what is asked on this machine, one examination after the other.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/foresight/foresight.h"
#include "base/root_dir.h"
#include "insight/inventory/inventory.h"
#include "slots/mounted_slot.h"

namespace cube {

// What an examination gets to see. References live as long as the call.
struct Prospect {
  const RootDir& machine;  // the running system: /sys, /proc, /etc
  const RootDir& tree;     // of the release, read-only
  SlotId slot;             // where that is
  const Release& release;
  // Of the release, and of the system that runs. nullopt: it has none, or none that can be read.
  const std::optional<insight::Inventory>& inventory;
  const std::optional<insight::Inventory>& running;
  const ProgressSink& progress;
};

// Errors: cancelled; all others become a finding `unknown` of that name.
struct Examination {
  std::string name;  // the finding's check, if it fails
  std::function<Result<insight::Findings>(const Prospect&)> look;
};

struct ForesightPorts {
  std::function<Result<MountedSlot>(SlotId)> look_into;
  std::vector<Examination> examinations;
  // Marks what waivers let through. Errors: as an examination's; none is let through then.
  std::function<Status(insight::Findings&, const Prospect&)> waive;
  bool only_tells = false;
};

class LocalForesight final : public Foresight {
 public:
  // `root` outlives it. Findings are kept in the `folder` of it.
  LocalForesight(const RootDir& root, std::string folder, ForesightPorts ports)
      : root_(root), folder_(std::move(folder)), ports_(std::move(ports)) {}

  Result<insight::Findings> look_ahead(SlotId slot, const Release& release,
                                       const ProgressSink& progress) override;
  Status keep(std::uint64_t attempt, const insight::Findings& findings) override;
  [[nodiscard]] bool only_tells() const override { return ports_.only_tells; }

 private:
  const RootDir& root_;
  std::string folder_;
  ForesightPorts ports_;
};

// nullopt: `tree` has none. Errors: corrupt, failed.
[[nodiscard]] Result<std::optional<insight::Inventory>> inventory_of(const RootDir& tree);

}  // namespace cube
