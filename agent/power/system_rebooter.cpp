#include "agent/power/system_rebooter.h"

#include <sys/reboot.h>
#include <unistd.h>

#include "agent/power/init_system.h"
#include "agent/power/logind_restart.h"
#include "base/durable_file.h"
#include "base/log.h"

namespace cube {

Status SystemRebooter::reboot() {
  if (systemd_runs()) {
    const auto asked = ask_logind_to_reboot();
    if (asked) return ok();
    if (asked.error().code != Errc::not_found)
      log(Level::warning, asked.error().what + "; asking systemd");
    return start_reboot();
  }
  ::sync();
  if (::reboot(RB_AUTOBOOT) != 0) return system_error("reboot");
  return ok();
}

Status ScratchRebooter::reboot() {
  CUBE_CHECK(root_.make_dirs("run/cube-update"));
  return replace_file(root_, "run/cube-update/reboot-requested", "");
}

}  // namespace cube
