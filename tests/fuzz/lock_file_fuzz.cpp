// Rules from anybody: what is accepted is within its bounds, is read back as it was written, holds
// or not without a crash, and a file of it only adds to others.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/locks/lock_file.h"
#include "insight/locks/version_order.h"
#include "tests/fuzz/demand.h"

namespace {

cube::insight::Inventory offered(const std::string& version) {
  cube::insight::Inventory made;
  made.kernel = version;
  made.packages = {{"bash:amd64", version}, {"kernel.x86_64", version + " 1"}, {"a", "1"}};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const VersionOrder order;
  for (const auto kind : {PackageKind::dpkg, PackageKind::rpm}) {
    const auto there = order.compare(kind, text.c_str(), "1:2.0-3");
    const auto back = order.compare(kind, "1:2.0-3", text.c_str());
    demand(there && back && *there == -*back);
  }
  LockPolicy policy;
  if (!add_locks(text, "file", LockOwner::site, policy)) {
    demand(policy.empty());
    return 0;
  }
  demand(policy.rules.size() + policy.groups.size() <= max_lock_rules);
  LockPolicy again;
  const auto written = locks_text(policy);
  demand(static_cast<bool>(add_locks(written, "again", LockOwner::site, again)));
  demand(again.rules.size() == policy.rules.size() && locks_text(again) == written);
  const auto one = offered("5.0-1"), other = offered(readable(text).substr(0, 100));
  const auto found = lock_breaches(policy, one, &other).size();
  demand(found <= max_lock_findings + 4);
  static_cast<void>(lock_breaches(policy, other, nullptr));
  LockPolicy more = policy;
  demand(static_cast<bool>(add_locks("[locks]\nmore = \"1\"\n", "more", LockOwner::site, more)));
  demand(lock_breaches(more, one, &other).size() >= found);
  return 0;
}
