#include <fmt/format.h>

#include <algorithm>

#include "agent/drift/running_drift.h"

namespace cube {
namespace {

using insight::readable;

constexpr std::size_t shown_rows = 20;

std::string shown(const DriftPath& path) {
  return "/" + readable(path.path) + (path.how.empty() ? "" : "  " + path.how);
}

std::string rest(std::uint64_t all, std::size_t told) {
  return all > told ? fmt::format("  and {} more; --json has the first {}\n", all - told,
                                  max_drift_paths)
                    : "";
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

Json changes(const std::vector<insight::Change>& packages) {
  Json::Array rows;
  for (const auto& one : packages)
    rows.push_back(Json::Object{{"name", one.name}, {"from", one.from}, {"to", one.to}});
  return rows;
}

template <typename List, typename Make>
Json rows(const List& list, const Make& make) {
  Json::Array made;
  for (const auto& one : list) made.push_back(make(one));
  return made;
}

}  // namespace

Json drift_json(const RunningDrift& drift) {
  const auto text = [](const std::string& word) { return Json(readable(word)); };
  return Json::Object{
      {"release", drift.release},
      {"look", drift.full ? "full" : "quick"},
      {"drifted", drift.any()},
      {"compared", drift.files.compared},
      {"changed", drift.files.changed},
      {"removed", drift.files.removed},
      {"added", drift.files.added},
      {"paths", rows(drift.files.paths,
                     [](const DriftPath& path) {
                       return Json(Json::Object{{"path", readable("/" + path.path)},
                                                {"change", std::string(to_string(path.change))},
                                                {"how", path.how}});
                     })},
      {"packages", changes(drift.packages)},
      {"packages_differ", drift.packages_count},
      {"package_databases", rows(drift.files.package_databases, text)},
      {"kernel", Json::Object{{"release", drift.kernel}, {"running", drift.kernel_here}}},
      {"not_checked", rows(drift.not_checked, text)}};
}

std::string drift_summary(const RunningDrift& drift) {
  if (!drift.any()) return "all is as " + drift.release + " brought it";
  std::string what;
  const auto add = [&](const std::string& words) { what += (what.empty() ? "" : ", ") + words; };
  if (drift.files.count() != 0) add(counted(drift.files.count(), "path", "paths"));
  if (drift.packages_count != 0) add(counted(drift.packages_count, "package", "packages"));
  if (!drift.files.package_databases.empty()) add("the database of rpm");
  if (drift.other_kernel()) add("the running kernel");
  what = "not as " + drift.release + " brought it: " + what;
  if (!drift.files.paths.empty()) what += "; first " + shown(drift.files.paths.front());
  return what;
}

std::string drift_text(const RunningDrift& drift) {
  auto text = drift_summary(drift) + "\n";
  for (std::size_t i = 0; i < std::min(shown_rows, drift.files.paths.size()); ++i)
    text += fmt::format("  {:8} {}\n", to_string(drift.files.paths[i].change),
                        shown(drift.files.paths[i]));
  text += rest(drift.files.count(), shown_rows);
  for (std::size_t i = 0; i < std::min(shown_rows, drift.packages.size()); ++i) {
    const auto& one = drift.packages[i];
    text += fmt::format("  package  {:<40} {} -> {}\n", one.name,
                        one.from.empty() ? "none" : one.from, one.to.empty() ? "none" : one.to);
  }
  text += rest(drift.packages_count, shown_rows);
  for (const auto& path : drift.files.package_databases)
    text += "  database /" + readable(path) + ": packages were installed, updated or removed\n";
  if (drift.other_kernel())
    text += fmt::format("  kernel   {} runs, the release has {}\n", drift.kernel_here, drift.kernel);
  for (const auto& sentence : drift.not_checked)
    text += "  not checked: " + readable(sentence) + "\n";
  text += fmt::format("{} paths were compared ({}); /etc and /var belong to the machine, "
                      "`cube-update config-diff` shows /etc\n",
                      drift.files.compared,
                      drift.full ? "all were read"
                                 : "what was touched since the seal was read; --drift=full reads all");
  if (drift.any()) text += "-> " + std::string(drift_remedy) + "\n";
  return text;
}

}  // namespace cube
