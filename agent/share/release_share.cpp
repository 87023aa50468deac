#include "agent/share/release_share.h"

#include <algorithm>
#include <optional>

#include "base/durable_file.h"
#include "base/file_url.h"
#include "slots/pack/whole_pack.h"
#include "slots/staging.h"

namespace cube {
namespace {

// The path of a file in its repository.
Result<std::string> path_in(const std::string& repository, const std::string& url) {
  if (!url.starts_with(repository + "/"))
    return Error{Errc::bug, url + ": not a file of " + repository};
  CUBE_TRY(const auto path, path_of_file_url("file://" + url.substr(repository.size())));
  return path.substr(1);
}

// The shortest delta that this machine can use, else the full pack, as a slot is filled.
std::optional<std::size_t> choose(const std::vector<Pack>& packs,
                                  const std::vector<std::string>& urls,
                                  const std::vector<std::string>& commits) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < packs.size() && i < urls.size(); ++i) {
    const bool is_full = packs[i].from.empty();
    const bool usable =
        is_full || std::find(commits.begin(), commits.end(), packs[i].from) != commits.end();
    if (urls[i].empty() || !usable) continue;
    const bool better =
        !best || (!is_full && (packs[*best].from.empty() || packs[i].length < packs[*best].length));
    if (better) best = i;
  }
  return best;
}

}  // namespace

Status ReleaseShare::bring(const Release& release, const ObjectSource& source,
                           const std::string& repository, const std::string& manifest_url,
                           const std::string& manifest, const ProgressSink& progress) {
  const auto chosen = choose(release.packs, source.packs, commits_here_());
  if (!chosen) return Error{Errc::not_found, release.name.text + " has no pack for this machine"};
  const Pack& pack = release.packs[*chosen];
  CUBE_TRY(const auto path, path_in(repository, source.packs[*chosen]));
  if (!folder_.has(path, pack.length)) {
    CUBE_CHECK(folder_.check_room(pack.length));
    CUBE_CHECK(root_.make_dirs(source.staging, 0700));
    const std::string staged = source.staging + "/" + pack.sha256 + ".pack";
    const PackPlace place{source.packs[*chosen], pack, source.http, root_.join(staged),
                          source.mirrors};
    const auto room = [&](std::uint64_t total, std::uint64_t missing) {
      return check_staging(root_, source, total, missing);
    };
    CUBE_CHECK(get_whole_pack(place, room, progress));
    CUBE_CHECK(sync_folder(root_, source.staging));
    CUBE_CHECK(folder_.add_pack(staged, path));
  }
  CUBE_TRY(const auto manifest_path, path_in(repository, manifest_url));
  CUBE_CHECK(folder_.add_text(manifest_path, manifest));
  return folder_.add_metadata();
}

}  // namespace cube
