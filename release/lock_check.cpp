#include "release/lock_check.h"

#include <filesystem>

#include "insight/locks/lock_file.h"
#include "release/release_inventory.h"
#include "slots/ostree/commit_file.h"

namespace cube {
namespace {

using insight::Findings;
using insight::Inventory;
using insight::LockPolicy;

// nullopt: the release has none.
Result<std::optional<Inventory>> held_inventory(const Publisher& publisher,
                                                const ReleaseName& name) {
  auto inventory = inventory_of_release(publisher, name.text);
  if (inventory) return std::optional<Inventory>(*std::move(inventory));
  if (inventory.error().code == Errc::not_found) return std::optional<Inventory>();
  return std::move(inventory).error();
}

Result<insight::Waivers> waivers_of_release(const Publisher& publisher, const Release& release) {
  const auto text = file_of_commit(publisher.repository().object_path(), release.commit,
                                   insight::release_waivers_path, insight::max_waiver_bytes);
  if (!text && text.error().code == Errc::not_found) return insight::Waivers{};
  if (!text) return Error(text.error());
  return insight::read_waivers(*text, insight::WaivedBy::publisher);
}

}  // namespace

Result<LockPolicy> publisher_locks(const Publisher& publisher, const std::string& file) {
  std::error_code error;
  const auto path = file.empty() ? publisher.repository().path() + "/" + publisher_locks_file
                                 : std::filesystem::absolute(file, error).string();
  if (error) return system_error("locks " + file, error.value());
  CUBE_TRY(const auto root, RootDir::open("/"));
  const auto text = root.read_file(path, insight::max_lock_file_bytes);
  LockPolicy policy;
  if (!text && text.error().code == Errc::not_found && file.empty()) return policy;
  if (!text) return Error(text.error()).in("locks " + path);
  CUBE_CHECK(add_locks(*text, path, insight::LockOwner::publisher, policy));
  return policy;
}

Result<std::optional<Inventory>> inventory_before(const Publisher& publisher,
                                                  const ReleaseName& name) {
  CUBE_TRY(const auto published, publisher.published());
  for (auto release = published.rbegin(); release != published.rend(); ++release)
    if (compare_age(release->name, name) < 0) return held_inventory(publisher, release->name);
  return std::optional<Inventory>();
}

Result<Findings> broken_locks(const Publisher& publisher, const LockPolicy& policy,
                              const Release& release, UnixSeconds now) {
  CUBE_TRY(const auto inventory, held_inventory(publisher, release.name));
  CUBE_TRY(const auto before, inventory_before(publisher, release.name));
  CUBE_TRY(const auto waivers, waivers_of_release(publisher, release));
  auto findings = inventory
                      ? insight::lock_breaches(policy, *inventory, before ? &*before : nullptr)
                      : insight::unchecked_locks(policy, release.name.text + " has no inventory");
  insight::apply_waivers(waivers, now, findings);
  return findings;
}

Status demand_locks(const Findings& findings) {
  if (!insight::any_refuses(findings)) return ok();
  return Error{Errc::refused, insight::refusal_text(findings)};
}

Status demand_locks_of_pending(const Publisher& publisher, const LockPolicy& policy,
                               UnixSeconds now) {
  if (policy.empty()) return ok();
  CUBE_TRY(const auto pending, publisher.pending());
  for (const auto& release : pending) {
    CUBE_TRY(const auto findings, broken_locks(publisher, policy, release, now));
    if (auto kept = demand_locks(findings); !kept)
      return std::move(kept).error().in("release " + release.name.text);
  }
  return ok();
}

}  // namespace cube
