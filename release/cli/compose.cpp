// cube-release compose.
#include <fmt/format.h>

#include "base/json.h"
#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/composer.h"

namespace cube::publish_cli {

Result<int> compose(const Common& common, const ComposeRequest& request) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto release, compose_release(publisher, request, now));
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"name", release.name.text},
                                         {"commit", release.commit},
                                         {"kernel", release.kernel_release},
                                         {"tree_bytes", release.tree_bytes},
                                         {"tree_inodes", release.tree_inodes}})
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
