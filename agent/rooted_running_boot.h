// RootedRunningBoot: facts about the running boot from proc/ below a root.
#pragma once

#include <optional>

#include "agent/running_boot.h"
#include "base/root_dir.h"

namespace cube {

class RootedRunningBoot final : public RunningBoot {
 public:
  explicit RootedRunningBoot(const RootDir& root) : root_(root) {}
  [[nodiscard]] Result<BootFacts> facts() const override;

 private:
  const RootDir& root_;
  mutable std::optional<StartedBy> started_by_;  // systemd is asked once
};

}  // namespace cube
