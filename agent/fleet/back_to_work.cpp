#include "agent/fleet/back_to_work.h"

#include "agent/hooks/run_hook.h"

namespace cube::fleet {
namespace {

constexpr std::chrono::seconds most_for_hooks{600};  // of a folder, as for those of an update

}  // namespace

Status back_to_work(const RootDir& root, std::chrono::seconds timeout, const Member& member) {
  const std::vector<std::string> variables{
      "CUBE_CLUSTER=" + member.cluster, "CUBE_NODE=" + member.node, "CUBE_DOMAIN=" + member.domain};
  for (const char* occasion : {"undrain.d", "cluster-health.d"}) {
    CUBE_TRY(const auto runs, run_hooks(root, occasion, timeout, most_for_hooks, variables));
    const auto failures = failures_of(runs);
    if (!failures.empty()) return Error{Errc::refused, std::string(occasion) + "/" + failures};
  }
  return ok();
}

}  // namespace cube::fleet
