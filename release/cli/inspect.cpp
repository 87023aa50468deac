// cube-release verify, expire-check, list: they change nothing.
#include <fmt/format.h>

#include <filesystem>

#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/publisher.h"
#include "release/verifier.h"

namespace cube::publish_cli {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;

Json release_json(const Release& release, const std::string& state) {
  return Json(Json::Object{{"name", release.name.text},
                           {"state", state},
                           {"version", release.name.version.text()},
                           {"epoch", release.epoch},
                           {"commit", release.commit},
                           {"manifest_sha256", release.manifest_sha256},
                           {"kernel", release.kernel_release},
                           {"tree_bytes", release.tree_bytes},
                           {"tree_inodes", release.tree_inodes}});
}

void add_rows(Json::Array& rows, const std::vector<Release>& releases, const std::string& state,
              bool json) {
  for (const auto& release : releases) {
    rows.push_back(release_json(release, state));
    if (!json)
      fmt::print("{:<48} {:<9} epoch {:<3} {:>8} {}\n", release.name.text, state, release.epoch,
                 human_bytes(release.tree_bytes), release.commit.substr(0, 16));
  }
}

struct Expiry {
  std::string role;
  std::uint64_t version = 0;
  UnixSeconds expires = 0;
};

Result<std::vector<Expiry>> expiries(const ReleaseRepository& repository) {
  CUBE_TRY(const auto roots, repository.roots());
  std::vector<Expiry> rows{{"root", roots.back().version, roots.back().expires}};
  CUBE_TRY(const auto state, repository.published());
  if (!state) return rows;
  rows.push_back({"targets", state->targets.version, state->targets.expires});
  rows.push_back({"snapshot", state->snapshot.version, state->snapshot.expires});
  rows.push_back({"timestamp", state->timestamp.version, state->timestamp.expires});
  for (const auto& role : state->targets.delegated) {
    CUBE_TRY(const auto list, repository.delegated(*state, role.name));
    if (list) rows.push_back({role.name, list->version, list->expires});
  }
  return rows;
}

bool is_url(const std::string& place) {
  return place.find("://") != std::string::npos;
}

}  // namespace

Result<int> verify(const Common& common, const std::string& place, const VerifyOptions& options) {
  std::string where = place;
  if (!is_url(place)) {
    CUBE_TRY(where, absolute_folder(place));
    CUBE_TRY(const auto repository, ReleaseRepository::open(where));
  }
  CUBE_TRY(const auto root, RootDir::open("/"));
  CUBE_TRY(const auto verified, verify_repository(where, options, SystemClock(root)));
  Json::Array rows;
  Json::Array documents;
  for (const auto& signing : verified.signings) {
    documents.push_back(as_json(signing));
    if (!common.json) fmt::print("{}\n", as_text(signing));
  }
  add_rows(rows, verified.releases, "good", common.json);
  if (common.json)
    fmt::print(
        "{}\n",
        Json(Json::Object{{"repository", where}, {"documents", documents}, {"releases", rows}})
            .line());
  else
    fmt::print("{} release{} verified as a machine does it.\n", verified.releases.size(),
               verified.releases.size() == 1 ? "" : "s");
  return exit_done;
}

Result<int> expire_check(const Common& common, std::uint64_t days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto repository, ReleaseRepository::open(path));
  CUBE_TRY(const auto rows, expiries(repository));
  CUBE_TRY(const auto now, wall_clock());
  const auto limit = now + static_cast<UnixSeconds>(days) * day;
  Json::Array documents;
  std::string soon;
  for (const auto& row : rows) {
    const auto left = (row.expires - now) / day;
    if (row.expires <= limit) soon += (soon.empty() ? "" : ", ") + row.role;
    documents.push_back(Json::Object{{"role", row.role},
                                     {"version", row.version},
                                     {"expires", format_utc(row.expires)},
                                     {"days_left", left}});
    if (!common.json)
      fmt::print("{:<10} version {:<6} {}  {} days left\n", row.role, row.version,
                 format_utc(row.expires), left);
  }
  if (common.json) fmt::print("{}\n", Json(Json::Object{{"documents", documents}}).line());
  if (soon.empty()) return exit_done;
  const bool root_soon = soon.rfind("root", 0) == 0;
  return Error{
      Errc::refused,
      fmt::format("repository {}: expires within {} days: {}; sign anew with {}", path, days, soon,
                  root_soon ? "cube-release root, then renew" : "cube-release renew")};
}

Result<int> list(const Common& common) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto published, publisher.published());
  CUBE_TRY(const auto pending, publisher.pending());
  Json::Array rows;
  add_rows(rows, published, "published", common.json);
  add_rows(rows, pending, "pending", common.json);
  if (common.json)
    fmt::print("{}\n", Json(Json::Object{{"repository", path}, {"releases", rows}}).line());
  return exit_done;
}

Result<std::string> absolute_folder(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::weakly_canonical(path, error);
  if (error) return system_error("folder " + path, error.value());
  std::string text = std::filesystem::absolute(absolute, error).lexically_normal();
  if (error) return system_error("folder " + path, error.value());
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Result<UnixSeconds> wall_clock() {
  CUBE_TRY(const auto root, RootDir::open("/"));
  return SystemClock(root).now();
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes >= 1000000000) return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 1000000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  if (bytes >= 1000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{} B", bytes);
}

}  // namespace cube::publish_cli
