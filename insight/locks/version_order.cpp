#include "insight/locks/version_order.h"

// libsolv has a member that is called as a keyword of C++20.
#define LIBSOLV_SOLVABLE_PREPEND_DEP
#include <solv/evr.h>
#include <solv/pool.h>

namespace cube::insight {
namespace {

using OwnPool = std::unique_ptr<Pool, void (*)(Pool*)>;

// nullptr: built without that kind.
OwnPool pool_of(int kind) {
  OwnPool pool(pool_create(), pool_free);
  if (pool_setdisttype(pool.get(), kind) < 0 || pool->disttype != kind) pool.reset();
  return pool;
}

// dpkg takes no revision for the revision 0, libsolv does not.
std::string without_zero_revision(const std::string& version) {
  return version.ends_with("-0") ? version.substr(0, version.size() - 2) : version;
}

}  // namespace

PackageKind kind_of_package(std::string_view key) {
  return key.find(':') != std::string_view::npos ? PackageKind::dpkg : PackageKind::rpm;
}

std::string name_of_package(std::string_view key) {
  const auto end =
      kind_of_package(key) == PackageKind::dpkg ? key.find(':') : key.find_last_of('.');
  return std::string(key.substr(0, end));
}

struct VersionOrder::Pools {
  OwnPool dpkg = pool_of(DISTTYPE_DEB);
  OwnPool rpm = pool_of(DISTTYPE_RPM);
};

VersionOrder::VersionOrder() : pools_(std::make_unique<Pools>()) {}
VersionOrder::~VersionOrder() = default;

std::optional<int> VersionOrder::compare(PackageKind kind, const std::string& left,
                                         const std::string& right) const {
  const bool dpkg = kind == PackageKind::dpkg;
  Pool* pool = (dpkg ? pools_->dpkg : pools_->rpm).get();
  if (pool == nullptr) return std::nullopt;
  if (dpkg)
    return pool_evrcmp_str(pool, without_zero_revision(left).c_str(),
                           without_zero_revision(right).c_str(), EVRCMP_COMPARE);
  const int order = pool_evrcmp_str(pool, left.c_str(), right.c_str(), EVRCMP_MATCH_RELEASE);
  return order == 2 || order == -2 ? 0 : order;  // 2: differ only in that one has a release
}

}  // namespace cube::insight
