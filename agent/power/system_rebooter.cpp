#include "agent/power/system_rebooter.h"

#include <sys/reboot.h>
#include <unistd.h>

#include "agent/power/init_system.h"
#include "base/durable_file.h"

namespace cube {

Status SystemRebooter::reboot() {
  if (systemd_runs()) return start_reboot();
  ::sync();
  if (::reboot(RB_AUTOBOOT) != 0) return system_error("reboot");
  return ok();
}

Status ScratchRebooter::reboot() {
  CUBE_CHECK(root_.make_dirs("run/cube-update"));
  return replace_file(root_, "run/cube-update/reboot-requested", "");
}

}  // namespace cube
