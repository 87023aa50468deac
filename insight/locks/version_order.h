// VersionOrder: which of two versions of a package is the newer one, as dpkg and rpm have it.
//
// The rules are libsolv's, which serves both; this is its only home.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cube::insight {

enum class PackageKind : std::uint8_t { dpkg, rpm };

// Of a package as an inventory names it: "bash:amd64" is dpkg's, "bash.x86_64" rpm's.
[[nodiscard]] PackageKind kind_of_package(std::string_view key);
// "bash" of both.
[[nodiscard]] std::string name_of_package(std::string_view key);

class VersionOrder {
 public:
  VersionOrder();
  ~VersionOrder();
  VersionOrder(const VersionOrder&) = delete;
  VersionOrder& operator=(const VersionOrder&) = delete;

  // -1, 0, 1: `left` is older, equal, newer. [EPOCH:]VERSION[-RELEASE]; no epoch is epoch 0. With
  // rpm a version without a release equals that version with any, as in its dependencies; with
  // dpkg it comes before all but "-0". nullopt: this machine's libsolv does not know that kind.
  [[nodiscard]] std::optional<int> compare(PackageKind kind, const std::string& left,
                                           const std::string& right) const;

 private:
  struct Pools;
  std::unique_ptr<Pools> pools_;
};

}  // namespace cube::insight
