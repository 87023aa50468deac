// Does the kernel of a staged release mount the filesystem it lies on, and does the loader read it?
// Pure.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "insight/finding.h"
#include "insight/inventory/inventory.h"
#include "model/filesystem.h"

namespace cube::insight {

// "root-filesystem:xfs": its driver is built in or in the initramfs; "root-filesystem:xfs-nrext64":
// a feature that the kernel does not know, or may not know. One good finding when all fits.
// `running` is the release of the running kernel, which has the filesystem mounted: the same
// release mounts it again, whatever features it has.
[[nodiscard]] Findings root_filesystem_findings(const Result<Filesystem>& root,
                                                const Inventory& staged,
                                                const std::string& running);

// "loader-filesystem:grub". `readable`: what check_loader_readable() of slots/ said; nullopt: this
// loader reads no slot, and there is nothing to tell.
[[nodiscard]] Findings loader_filesystem_findings(const std::string& loader,
                                                  const std::optional<Status>& readable);

}  // namespace cube::insight
