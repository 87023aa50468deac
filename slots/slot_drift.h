// What became of a sealed tree since it runs: drift. Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cube {

enum class DriftChange : std::uint8_t { changed, removed, added };
[[nodiscard]] constexpr std::string_view to_string(DriftChange change) {
  if (change == DriftChange::added) return "added";
  return change == DriftChange::changed ? "changed" : "removed";
}

struct DriftPath {
  std::string path;  // below the root; a folder ends with '/', and nothing below it is told that is
                     // added or removed with it
  DriftChange change{};
  std::string how;  // of a change: "has other content"; else ""

  friend bool operator==(const DriftPath&, const DriftPath&) = default;
};

inline constexpr std::size_t max_drift_paths = 1000;

struct Drift {
  std::uint64_t compared = 0;                          // paths of the release that were looked at
  std::uint64_t changed = 0, removed = 0, added = 0;   // how many of each
  std::vector<DriftPath> paths;                        // the first max_drift_paths, sorted
  std::vector<std::string> package_databases;          // files of rpm's that are not as brought
  std::vector<std::string> not_checked;                // sentences: what could not be looked at

  [[nodiscard]] std::uint64_t count() const { return changed + removed + added; }
};

}  // namespace cube
