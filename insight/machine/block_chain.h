// block_chain: everything that a block device hangs on: the disks below partitions, dm and md, and
// the drivers from each disk up to the machine's buses.
#pragma once

#include <map>
#include <string>

#include "insight/machine/sysfs.h"
#include "insight/machine/this_machine.h"

namespace cube::insight {

struct BlockChain {
  Chain chain;
  bool by_network = false;
};

// `path` is the device's folder, "sys/devices/.../block/sda/sda2". `modules` are those that are
// loaded: what sysfs does not say of a dm device is guessed from them.
[[nodiscard]] BlockChain block_chain(Sysfs& sysfs, const std::string& path,
                                     const std::map<std::string, LoadedModule>& modules);

}  // namespace cube::insight
