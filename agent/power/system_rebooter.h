// The two rebooters: of the running system, and of an appliance laid out in a folder.
#pragma once

#include "agent/power/rebooter.h"
#include "base/root_dir.h"

namespace cube {

// Where systemd is PID 1: through logind, or, without it or the bus, through systemd itself, so
// that services stop in order; otherwise sync and reboot(2).
class SystemRebooter final : public Rebooter {
 public:
  Status reboot() override;
};

// Notes the wish in run/cube-update/reboot-requested: whoever plays the firmware acts on it.
class ScratchRebooter final : public Rebooter {
 public:
  explicit ScratchRebooter(const RootDir& root) : root_(root) {}  // `root` outlives it
  Status reboot() override;

 private:
  const RootDir& root_;
};

}  // namespace cube
