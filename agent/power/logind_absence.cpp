#include "agent/power/logind_absence.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cube {

bool tells_logind_is_absent(const char* error_name) {
  // The last four are systemd's, of a unit that it cannot load for the bus. FileExists is what
  // systemd 252 says where logind is masked, as the bus asks for it by an alias.
  static constexpr std::array<std::string_view, 6> names{
      "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
      "org.freedesktop.systemd1.NoSuchUnit",       "org.freedesktop.systemd1.UnitMasked",
      "org.freedesktop.systemd1.BadUnitSetting",   "org.freedesktop.DBus.Error.FileExists"};
  return error_name != nullptr && std::find(names.begin(), names.end(), error_name) != names.end();
}

}  // namespace cube
