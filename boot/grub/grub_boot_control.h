// GrubBootControl: BootControl over the two environment blocks that the static GRUB script
// (packaging/grub.d/cube.cfg) reads. docs/boot-environment.md has the layout and the damaged states.
//
// `env` is shared with GRUB, which spends the offer in it; `good` is a second copy of the fallback
// that GRUB only reads. Both are written in place, never truncated or renamed; only bless() creates
// one or gives it its length. bless() writes `good` first: a cut between leaves the old fallback in
// force, both slots are good at that moment, and whatever is called next makes the two agree again.
//
// A call that returned ok has written and fsynced, also where nothing was to change: after a failed
// fsync the page cache is no witness. Both files are read and written as regular files only.
//
// Canary: the first write in a boot changes it, and the loader passes it to the kernel. So a block
// that GRUB did not read cannot be mistaken for the one that it did.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/boot_control.h"

namespace cube {

struct GrubPaths {
  std::string env = "boot/efi/cube/env";    // below the root
  std::string good = "boot/efi/cube/good";
};

class GrubBootControl final : public BootControl {
 public:
  // `root` outlives it; proc/cmdline below it tells which canary GRUB read.
  GrubBootControl(const RootDir& root, GrubPaths paths) : root_(root), paths_(std::move(paths)) {}

  [[nodiscard]] Result<BootState> state() const override;
  Status arm(SlotId slot, int tries) override;
  Status bless(SlotId slot) override;
  Status reject(SlotId slot) override;

 private:
  struct Env;
  [[nodiscard]] Result<Env> read_env() const;
  [[nodiscard]] Result<SlotId> read_good() const;
  Status let_good_follow(const Env& env);
  [[nodiscard]] Status read_by_grub(const Env& env) const;
  Status write_env(Env env);
  Status write_anew(SlotId slot, const Error& damage);
  Status write_good(SlotId fallback);
  Status write(const std::string& path, const std::string& bytes);

  const RootDir& root_;
  GrubPaths paths_;
};

}  // namespace cube
