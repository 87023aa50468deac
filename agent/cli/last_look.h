// When `automatic` looked for a release last; kept over restarts.
#pragma once

#include "base/clock.h"
#include "base/root_dir.h"

namespace cube::cli {

// 0: never, or it cannot be read.
[[nodiscard]] UnixSeconds last_look_of(const RootDir& root);

}  // namespace cube::cli
