// The packages of an rpm database, read by librpm. The only place that knows it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/root_dir.h"
#include "insight/inventory/inventory.h"

namespace cube {

// `database`: the folder with rpmdb.sqlite, Packages.db or Packages. Its files are copied into
// `scratch` first and opened there: librpm writes locks and logs beside a database. Of the
// machine's own settings for rpm none is read. "bash.x86_64" -> "5.1.8-6.el9", "2:1.0-1" with an
// epoch. Not thread-safe. Errors: corrupt (no database, damaged, more than 2 GiB), no_space,
// failed.
[[nodiscard]] Result<insight::Entries> rpm_packages(const RootDir& database,
                                                    const std::string& scratch);

}  // namespace cube
