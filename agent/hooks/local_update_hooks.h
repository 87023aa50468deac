// LocalUpdateHooks: the hooks of one machine (docs/hooks.md).
#pragma once

#include <chrono>
#include <functional>

#include "agent/hooks/update_hooks.h"
#include "base/root_dir.h"
#include "slots/mounted_slot.h"

namespace cube {

struct HooksConfig {
  std::chrono::seconds timeout{60};             // each of pre-reboot.d, green.d, red.d
  std::chrono::seconds migration_timeout{300};  // each of migrate.d
};

class LocalUpdateHooks final : public UpdateHooks {
 public:
  using LookInto = std::function<Result<MountedSlot>(SlotId)>;

  // `root` outlives it. `look_into` mounts a slot to be read.
  LocalUpdateHooks(const RootDir& root, HooksConfig config, LookInto look_into)
      : root_(root), config_(config), look_into_(std::move(look_into)) {}
  [[nodiscard]] Result<std::string> next_migration(const std::string& done) const override;
  Status migrate(const std::string& name, const Update& update, Seconds within) override;
  Status before_restart(const Update& update) override;
  Status after(const Attempt& attempt, bool on_trial) override;

 private:
  const RootDir& root_;
  HooksConfig config_;
  LookInto look_into_;
};

}  // namespace cube
