// UefiBootControl: BootControl without any loader, for machines whose firmware starts the kernels
// itself (EFI stub). docs/boot-environment.md has layout and damaged states.
//
//   Boot0004 "cube-a"    the fallback: first in BootOrder
//   Boot0007 "cube-b"    the trial: not in BootOrder; its arguments hold the count as it was armed
//   BootNext = 0007      the offer: the firmware deletes it before it starts anything
//
// Each change of state is one write of one variable. A trial's entry gets a new number each time,
// and BootNext names that number first, when nothing is there: so an entry that is there was
// offered, and without BootNext it was spent. What comes before the deciding write is passed over
// by the firmware and by state(), what comes after it is cleaning. Entries of others stay, in their
// order.
//
// A machine whose variables are lost is started by EFI/BOOT/BOOTX64.EFI, which follows the fallback
// where it can (RemovablePath); it is no record.
//
// Canary: the arguments carry cube.canary=, which proves that the firmware hands them over as they
// were written, and BootCurrent must not be somebody else's entry.
#pragma once

#include <string>
#include <vector>

#include "base/root_dir.h"
#include "boot/boot_control.h"
#include "boot/efi/kernel_copies.h"
#include "boot/kernel_source.h"
#include "boot/uefi/boot_menu.h"
#include "boot/uefi/removable_path.h"
#include "boot/uefi/slot_entry.h"

namespace cube {

struct UefiConfig {
  std::string esp = "boot/efi";  // mount point below the root
  std::string arguments;         // further ones for the kernel
};

class UefiBootControl final : public BootControl {
 public:
  // `root` and `kernels` outlive it; proc/cmdline below the root tells which canary was read.
  UefiBootControl(const RootDir& root, const KernelSource& kernels, const UefiConfig& config)
      : root_(root),
        kernels_(kernels),
        esp_(config.esp),
        arguments_(config.arguments),
        copies_(root, config.esp),
        removable_path_(root, config.esp),
        menu_(root) {}

  [[nodiscard]] Result<BootState> state() const override;
  Status arm(SlotId slot, int tries) override;
  Status bless(SlotId slot) override;
  Status reject(SlotId slot) override;

 private:
  struct Records;
  [[nodiscard]] Result<Records> read() const;
  [[nodiscard]] Status read_by_firmware(const Records& records) const;
  [[nodiscard]] Status may_write_anew(const Error& damage) const;
  // What state() passes over: a stale BootNext, entries that do not count, ours in BootOrder.
  Status tidy(const Records& records);
  Status offer(const Records& records, const SlotEntry& entry);
  Status write_fallback(const SlotEntry& entry);
  // Cleans up, and compares with what should be.
  Status finish(const BootState& wanted);
  Status remove_unnamed_kernels(const BootMenu::Content& menu) const;

  const RootDir& root_;
  const KernelSource& kernels_;
  std::string esp_;
  std::string arguments_;
  KernelCopies copies_;
  RemovablePath removable_path_;
  BootMenu menu_;
};

struct FirmwareStart {
  bool has_entries = false;  // named as ours
  bool ours = false;         // this machine was started from one of them, or from one gone since
};
// For the choice of a loader: facts alone, no error where there is no UEFI.
[[nodiscard]] FirmwareStart started_by_uefi(const RootDir& root);

}  // namespace cube
