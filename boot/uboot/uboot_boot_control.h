// UbootBootControl: BootControl over the variables of U-Boot (packaging/u-boot/cube.env).
//
// U-Boot counts by itself while upgrade_available is 1: it adds one to bootcount and writes it down
// before it runs bootcmd, and runs altbootcmd instead once bootcount is larger than bootlimit. So
// an offer is upgrade_available=1 with bootcount=0 and bootlimit=1: the first start runs bootcmd,
// which takes the trial; every later one runs altbootcmd, which takes the fallback. A U-Boot that
// cannot count (CONFIG_BOOTCOUNT_ENV) must not be used; it cannot be told from here, but the
// trial's first boot shows whether it did.
//
// What cannot be promised: U-Boot starts the trial even if it could not write the count.
#pragma once

#include <string>

#include "boot/boot_control.h"
#include "boot/uboot/uboot_environment.h"

namespace cube {

struct UbootPaths {
  std::string config = "etc/fw_env.config";  // below the root
  // Of damaged copies everything is lost: this text has what is to be in them, NAME=VALUE a line.
  std::string defaults = "usr/share/cube-update/u-boot.env";
};

class UbootBootControl final : public BootControl {
 public:
  // `root` outlives it.
  UbootBootControl(const RootDir& root, UbootPaths paths)
      : root_(root), paths_(std::move(paths)), environment_(root_, paths_.config) {}

  [[nodiscard]] Result<BootState> state() const override;
  Status arm(SlotId slot, int tries) override;
  Status bless(SlotId slot) override;
  Status reject(SlotId slot) override;

 private:
  [[nodiscard]] Status started_by_us() const;
  [[nodiscard]] Result<UbootEnvironment::Variables> defaults() const;

  const RootDir& root_;
  UbootPaths paths_;
  UbootEnvironment environment_;
};

}  // namespace cube
