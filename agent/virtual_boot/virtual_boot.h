// VirtualBoot: the slot that is to run next is started in a virtual machine on the appliance,
// before the machine itself restarts into it. Optional; needs QEMU.
//
//   slot's kernel, initramfs, disk ──> QEMU as nobody: no network, disk read-only below an overlay
//   second serial port: "cube-update: reached SECRET"  ──> reached
//   console                                            ──> diagnose(): why not
//
// Guarantees: the slot's device is open for reading only, and unmounted before QEMU starts; memory,
// time, and what the guest writes are bounded; QEMU dies with this process, and nothing is left of
// its files. A guest's agent finds that it is in a virtual boot (cube.virtual=), and does nothing.
//
// What it cannot tell: a guest has other devices, other firmware and another processor than this
// machine, one disk of it, and no network.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/virtual_boot/guest_run.h"
#include "base/progress.h"
#include "base/root_dir.h"
#include "model/slot_id.h"

namespace cube {

enum class VirtualEnd {
  reached,     // its goal: the release's own word for it, or systemd's
  died,        // it panicked, restarted or was switched off before
  hung,        // the time was over, and it had been silent for half of it
  slow,        // the time was over, and it still talked: nothing is known
  impossible,  // it was not started, or could not be judged; `why` says what was missing
};
[[nodiscard]] std::string_view to_string(VirtualEnd end);  // stable (JSON)

struct VirtualBoot {
  std::string release;  // what the slot's seal names, and its commit: what was started
  std::string commit;
  VirtualEnd end = VirtualEnd::impossible;
  bool emulated = true;               // else on this machine's own processor
  std::uint64_t seconds = 0;          // that it took
  std::string disk;                   // driver of the guest's disk; "": none was started
  bool own_disk = false;              // this machine's root is behind the same driver
  std::string stage;                  // of a diagnosis: boot/postmortem/diagnosis.h; ""
  std::string why;                    // one sentence; "" when it was reached
  std::vector<std::string> evidence;  // lines of the console, printable

  bool operator==(const VirtualBoot&) const = default;
};

struct VirtualBootLimits {
  std::int64_t memory_mib = 1024;  // at most half of what is available is taken
  std::chrono::seconds time{180};  // on this machine's processor
  std::chrono::seconds emulated_time{900};
};

// What a slot gives to a guest, taken while it is mounted.
struct SlotParts {
  SlotId slot{};
  Fd disk;                         // opened for reading only
  Fd kernel, initramfs;            // copies
  bool knows_virtual = false;      // its release says when it has reached its goal
  bool initramfs_known = false;    // `loadable` is what is in there
  std::set<std::string> loadable;  // modules in the initramfs
  std::set<std::string> built_in;
};

// The word "virtual-boot" is a line of usr/lib/cube-update/features in the tree of a slot.
// `device`: block device or image, below `root`. Errors: not_found (no kernel, no initramfs, no
// device), corrupt, unsuitable (no disk), no_space, failed.
[[nodiscard]] Result<SlotParts> take_parts(const RootDir& root, SlotId slot, const RootDir& tree,
                                           const std::string& device);

struct VirtualBootRun {
  VirtualBoot result;
  std::string console;  // what the guest said; bounded
};

// Whatever keeps it from being started is a result, too. `root`: where QEMU, /dev/kvm and this
// machine's own devices are looked for. Errors: cancelled.
[[nodiscard]] Result<VirtualBootRun> boot_virtually(const RootDir& root, const SlotParts& parts,
                                                    const VirtualBootLimits& limits,
                                                    const ProgressSink& progress);

}  // namespace cube
