// driver_findings: has a release the drivers and the firmware that this machine needs?
//
//   root-driver, root-firmware        what the root filesystem is on: built in, or in the initramfs
//   network-driver, network-firmware  what the machine is reached through: also in the tree
//   console-driver, console-firmware  what the kernel writes to
//   device-driver, device-firmware    every other device that has a driver today
//
// A release refuses when the machine would not find its root or not be reachable; what else would
// be missing is a warning. What was checked and fits has a finding of its own for each filesystem,
// interface and console. What the release does not let look at (its lists of modules, its
// initramfs) refuses like what is missing, when the root or the network needs it; what the machine
// does not tell of itself is unknown, for no other release would change it
// (docs/decisions/0035-drivers.md).
//
// A release without an inventory is given the one that take_inventory() makes of its slot.
//
// Pure over the two trees, which are only read; the same input gives the same findings in the same
// order.
#pragma once

#include "insight/drivers/driver_supply.h"
#include "insight/finding.h"
#include "insight/machine/this_machine.h"

namespace cube::insight {

// `running` is the tree that the machine runs from; of it only the modules and the firmware are
// looked at, and its inventory if it has one.
[[nodiscard]] Findings driver_findings(const ThisMachine& machine, const DriverTree& staged,
                                       const DriverTree& running);

}  // namespace cube::insight
