// GrubBootControl: BootControl over the two environment blocks that our GRUB script reads
// (docs/decisions/0002-grub-environment.md).
//
// Guarantees, besides those of the port:
//  * a block is changed in place, by one sector: the same inode and length, never a rename, never a
//    truncation. A change that would reach beyond the first 512 bytes is refused;
//  * `good` is written before env, so it never names a slot that is neither the old nor the new
//    fallback. state() tells env's fallback, as GRUB obeys env; every change first makes `good` agree;
//  * a change is made only if the running kernel was started from these very records: cube.canary on
//    its command line is the block's canary, or was before our first write in this boot. Only bless
//    over a damaged env goes without that proof;
//  * each call that returned ok has written and fsynced both what changed and what did not, so that a
//    repetition after a failed fsync does not trust the page cache.
// A read-only or immutable place is cannot_arm; so is a missing folder: it is never created here,
// because below an unmounted boot partition it would be the wrong one.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/boot_control.h"
#include "boot/grub/env_block.h"

namespace cube {

struct GrubPaths {  // below the root
  std::string env = "boot/efi/cube/env";
  std::string good = "boot/efi/cube/good";
  std::string cmdline = "proc/cmdline";
};

class GrubBootControl final : public BootControl {
 public:
  // `root` must outlive this object.
  explicit GrubBootControl(const RootDir& root, GrubPaths paths = {});

  [[nodiscard]] Result<BootState> state() const override;
  Status arm(SlotId slot, int tries) override;
  Status bless(SlotId slot) override;
  Status reject(SlotId slot) override;

 private:
  struct Records {
    GrubEnv env;
    std::string env_block;  // as read
    SlotId good{};
  };

  [[nodiscard]] Result<Records> records() const;
  [[nodiscard]] Result<GrubEnv> proven(GrubEnv env) const;
  [[nodiscard]] Result<GrubEnv> new_env() const;
  Status change(const Records& before, const GrubEnv& next);
  Status put(const std::string& path, const std::string& block);
  Status put_anew(const std::string& path, const std::string& block);

  const RootDir& root_;
  GrubPaths paths_;
};

}  // namespace cube
