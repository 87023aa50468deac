#include "agent/virtual_boot/examination.h"

#include <utility>

#include "base/log.h"

namespace cube {

Result<VirtualBootRun> VirtualExamination::boot(const Prospect& prospect) const {
  CUBE_TRY(const auto device, device_of_(prospect.slot));
  CUBE_TRY(const auto parts, take_parts(root_, prospect.slot, prospect.tree, device));
  return boot_virtually(root_, parts, limits_, prospect.progress);
}

Result<insight::Findings> VirtualExamination::look(const Prospect& prospect) const {
  if (policy_ == VirtualPolicy::off && !demanded_) return insight::Findings();
  const auto policy = policy_ == VirtualPolicy::off ? VirtualPolicy::warn : policy_;
  const auto known = load_virtual_boot(root_);
  if (!demanded_ && known && *known && still_holds(**known, prospect.release.commit))
    return insight::Findings{virtual_boot_finding(**known, policy)};
  auto run = boot(prospect);
  if (!run && run.error().code == Errc::cancelled) return run.error();
  VirtualBootRun told = run ? std::move(*run) : VirtualBootRun();
  if (!run) told.result.why = run.error().what;
  told.result.release = prospect.release.name.text;
  told.result.commit = prospect.release.commit;
  if (auto kept = save_virtual_boot(root_, told.result, told.console); !kept)
    log(Level::warning, "the result of the virtual boot is not kept: " + kept.error().what);
  return insight::Findings{virtual_boot_finding(told.result, policy)};
}

}  // namespace cube
