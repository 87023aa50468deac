// What started the running system. Only a start by the firmware shows that the machine can start its
// release: a kernel that another one started (kexec) has seen neither firmware nor loader, and a
// userspace that was only restarted (soft-reboot) not even a kernel. Pure.
#pragma once

#include <string_view>

namespace cube {

enum class StartedBy {
  unknown,      // no fact says it
  firmware,     // proven
  kexec,        // known
  soft_reboot,  // known
};

// "unknown", "firmware", "kexec", "soft-reboot": stable (JSON).
[[nodiscard]] constexpr std::string_view to_string(StartedBy started_by) {
  switch (started_by) {
    case StartedBy::firmware: return "firmware";
    case StartedBy::kexec: return "kexec";
    case StartedBy::soft_reboot: return "soft-reboot";
    case StartedBy::unknown: break;
  }
  return "unknown";
}

}  // namespace cube
