#include "agent/foresight/local_foresight.h"

#include <utility>

#include "agent/foresight/findings_file.h"

namespace cube {
namespace {

using insight::Finding;
using insight::Grade;

// Of one tree; why there is none becomes a finding.
std::optional<insight::Inventory> known_of(const RootDir& tree, const std::string& whose,
                                           insight::Findings& findings) {
  auto inventory = inventory_of(tree);
  if (inventory && *inventory) return std::move(*inventory);
  findings.push_back({"inventory", whose, Grade::unknown,
                      "the " + whose + " release has no inventory" +
                          (inventory ? "" : " that can be read (" + inventory.error().what + ")") +
                          ", so not all can be compared",
                      "compose releases with this version's `cube-release compose`", ""});
  return std::nullopt;
}

}  // namespace

Result<std::optional<insight::Inventory>> inventory_of(const RootDir& tree) {
  const auto text = tree.read_file(insight::inventory_path, insight::max_inventory_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<insight::Inventory>();
  if (!text) return text.error();
  CUBE_TRY(auto inventory, insight::read_inventory(*text));
  return std::optional<insight::Inventory>(std::move(inventory));
}

Result<insight::Findings> LocalForesight::look_ahead(SlotId slot, const Release& release,
                                                     const ProgressSink& progress) {
  CUBE_TRY(const auto mounted, ports_.look_into(slot));
  insight::Findings findings;
  const auto offered = known_of(mounted.tree(), "offered", findings);
  const auto running = known_of(root_, "running", findings);
  const Prospect prospect{root_, mounted.tree(), slot, release, offered, running, progress};
  for (const auto& examination : ports_.examinations) {
    CUBE_CHECK(progress.go_on());
    auto found = examination.look(prospect);
    if (!found && found.error().code == Errc::cancelled) return found;
    if (!found)
      findings.push_back({examination.name, "", Grade::unknown, found.error().what, "", ""});
    else
      findings.insert(findings.end(), found->begin(), found->end());
  }
  auto waived = findings;
  if (const auto read = ports_.waive ? ports_.waive(waived, prospect) : ok(); read)
    findings = std::move(waived);
  else
    findings.push_back({"waivers", "", Grade::unknown,
                        read.error().what + "; no waiver lets anything through", "", ""});
  return insight::in_order(std::move(findings));
}

Status LocalForesight::keep(std::uint64_t attempt, const insight::Findings& findings) {
  return save_findings(root_, folder_, attempt, findings);
}

}  // namespace cube
