#include "agent/rooted_running_boot.h"

#include "boot/cmdline.h"

namespace cube {

Result<BootFacts> RootedRunningBoot::facts() const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  CUBE_TRY(auto boot_id, root_.read_file("proc/sys/kernel/random/boot_id", 64));
  while (!boot_id.empty() && boot_id.back() == '\n') boot_id.pop_back();
  return BootFacts{boot_id, cmdline.trial};
}

}  // namespace cube
