// SystemdBootControl: BootControl over systemd-boot's entries on the EFI system partition and the
// variables of the Boot Loader Interface. docs/boot-environment.md has layout and damaged states.
//
//   loader/entries/cube-a.conf         the fallback: no counter
//   loader/entries/cube-b+3-1.conf     the trial: tries left and done, which systemd-boot counts
//   LoaderEntryDefault, loader.conf    name the fallback; the variable outranks its second copy
//   LoaderEntryOneShot                 the offer, when it names the trial's entry
//
// Each change of state is one write: of a variable, of one byte, or of one name in a folder. What
// comes before it is passed over by systemd-boot and by state(), what comes after it is cleaning.
// bless() names the new fallback in loader.conf first, as both slots are good at that moment.
//
// Canary: the entries carry cube.canary=, so the kernel's arguments prove that systemd-boot reads
// the partition that is written here. A new fallback's entry gets a new one.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/boot_control.h"
#include "boot/efi/efi_variables.h"
#include "boot/kernel_source.h"
#include "boot/systemd_boot/esp.h"

namespace cube {

struct SystemdBootConfig {
  std::string esp = "boot/efi";  // mount point below the root
  std::string arguments;         // further ones for the kernel
};

class SystemdBootControl final : public BootControl {
 public:
  // `root` and `kernels` outlive it; proc/cmdline below the root tells which canary was read.
  SystemdBootControl(const RootDir& root, const KernelSource& kernels, SystemdBootConfig config)
      : root_(root),
        kernels_(kernels),
        arguments_(std::move(config.arguments)),
        esp_(root, config.esp),
        variables_(root) {}

  [[nodiscard]] Result<BootState> state() const override;
  Status arm(SlotId slot, int tries) override;
  Status bless(SlotId slot) override;
  Status reject(SlotId slot) override;

 private:
  struct Records;
  [[nodiscard]] Result<Records> read() const;
  // The fallback that the loader follows, or why none is certain.
  [[nodiscard]] Result<SlotId> fallback() const;
  // The name in LoaderEntryOneShot; "" without one.
  [[nodiscard]] Result<std::string> one_shot() const;
  [[nodiscard]] Status read_by_loader(const std::string& canary) const;
  [[nodiscard]] Status may_write_anew(const Error& damage) const;
  Status let_default_follow(SlotId fallback);
  Status remove_one_shot();
  // All entries but these; the one named last goes last.
  Status remove_all_but(const std::string& kept, const std::string& last);

  const RootDir& root_;
  const KernelSource& kernels_;
  std::string arguments_;
  Esp esp_;
  EfiVariables variables_;
};

}  // namespace cube
