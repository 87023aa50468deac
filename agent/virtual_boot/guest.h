// Guest: what a virtual machine is made of, and the words that tell QEMU and the kernel in it.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/virtual_boot/disk_kind.h"
#include "model/slot_id.h"

namespace cube {

// The descriptors that QEMU gets, in the order in which start_confined() hands them over.
enum class GuestFile : int { disk = 3, overlay, kernel, initramfs, console, goal };

struct Guest {
  SlotId slot{};
  std::string secret;         // 16 hex digits that the boot says when it has reached its goal
  bool knows_virtual = true;  // its release has a unit that says so
  std::string machine_words;  // further arguments of the kernel: guest_words()
  std::int64_t memory_mib = 0;
  bool kvm = false;             // else emulated
  bool disk_is_device = false;  // else a file
  const DiskKind* disk = nullptr;
};

// The slot's disk is opened read-only, with an overlay for what is written; there is no network, no
// device but the disk and two serial ports, and no restart: that ends the machine.
[[nodiscard]] std::vector<std::string> qemu_arguments(const std::string& program,
                                                      const Guest& guest);

// What the kernel is told: the slot as the loader names it, a trial (so that the initramfs never
// waits for a person), and that it is a virtual boot. Nothing of fstab is mounted, for of this
// machine's disks the guest has one. A release that does not know virtual boots is not told of a
// trial, so that its agent finds nothing to do.
[[nodiscard]] std::string kernel_arguments(const Guest& guest);

// Of the arguments of the running kernel those that also mean something in another machine.
[[nodiscard]] std::string guest_words(std::string_view cmdline);

// Did the boot say on its second serial port that it reached its goal? Another boot's word, or half
// a line, is none.
[[nodiscard]] bool says_reached(std::string_view port, const std::string& secret);
// Does the console of a release that says nothing there tell that systemd reached multi-user.target
// or graphical.target?
[[nodiscard]] bool shows_reached(std::string_view console);

}  // namespace cube
