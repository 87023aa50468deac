// cube-release compose.
#include <fmt/format.h>

#include "base/json.h"
#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/composer.h"

namespace cube::publish_cli {

namespace {

Result<insight::Waivers> waivers_of(const WaiveOptions& options) {
  insight::Waivers waivers;
  if (options.ids.empty()) return waivers;
  CUBE_TRY(const auto until, insight::waived_until(options.until));
  for (const auto& id : options.ids)
    waivers.push_back({id, options.reason, insight::WaivedBy::publisher, 0, until});
  return waivers;
}

// What is let through, and what could not be checked.
void print(const insight::Finding& finding) {
  if (finding.waiver.empty())
    fmt::print(stderr, "{}: {}\n", word_for(finding.grade), finding.what);
  else
    fmt::print(stderr, "waived: {} ({})\n", finding.what, finding.waiver);
}

}  // namespace

Result<int> compose(const Common& common, const ComposeRequest& asked, const WaiveOptions& waive) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto now, wall_clock());
  ComposeRequest request = asked;
  CUBE_TRY(request.waivers, waivers_of(waive));
  Json::Array waived;
  request.on_finding = [&](const insight::Finding& finding) {
    print(finding);
    if (!finding.waiver.empty()) waived.emplace_back(finding.id());
  };
  CUBE_TRY(const auto release, compose_release(publisher, request, now));
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"name", release.name.text},
                                         {"commit", release.commit},
                                         {"kernel", release.kernel_release},
                                         {"tree_bytes", release.tree_bytes},
                                         {"tree_inodes", release.tree_inodes},
                                         {"waived", std::move(waived)}})
                           .line());
    return exit_done;
  }
  fmt::print("{}\n", release.name.text);  // alone on standard output: scripts take it from there
  fmt::print(stderr, "{}, {} files and folders, kernel {}; pending until cube-release publish\n",
             human_bytes(release.tree_bytes), release.tree_inodes,
             release.kernel_release.empty() ? "not known" : release.kernel_release);
  return exit_done;
}

}  // namespace cube::publish_cli
