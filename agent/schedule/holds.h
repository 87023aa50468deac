// What holds a machine although its window is open.
#pragma once

#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// One line for people, or "": a file in etc/cube-update/hold.d or run/cube-update/hold.d (its first
// line says why), or, on the running system, a lock that blocks shutdowns, as logind lists them.
// Where logind is not there nobody can have taken one. Errors: failed.
[[nodiscard]] Result<std::string> held_by(const RootDir& root);

}  // namespace cube
