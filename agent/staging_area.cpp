#include "agent/staging_area.h"

#include "base/digest.h"
#include "base/durable_file.h"
#include "model/manifest.h"

namespace cube {

std::string StagingArea::folder_of(const Release& release) const {
  return folder_ + "/" + release.manifest_sha256;
}

std::string StagingArea::objects_of(const Release& release) const {
  return folder_of(release) + "/objects";
}

Status StagingArea::keep_manifest(const Release& release, const std::string& text) const {
  if (to_hex(sha256(text)) != release.manifest_sha256)
    return Error{Errc::corrupt, release.name.text + ": not its manifest"};
  const std::string folder = folder_of(release);
  CUBE_CHECK(root_.make_dirs(folder, 0700));
  CUBE_CHECK(replace_file(root_, folder + "/manifest.json", text));
  return sync_folder(root_, folder_);
}

Result<std::string> StagingArea::manifest_of(const Release& release) const {
  if (!is_sha256_hex(release.manifest_sha256))
    return Error{Errc::corrupt, release.name.text + ": no digest of its manifest"};
  const std::string file = folder_of(release) + "/manifest.json";
  CUBE_TRY(auto text, root_.read_file(file, max_manifest_bytes));
  if (to_hex(sha256(text)) != release.manifest_sha256)
    return Error{Errc::corrupt, root_.join(file) + ": damaged"};
  return text;
}

Status StagingArea::drop_all_but(const Release* release) const {
  const auto names = root_.list(folder_);
  if (!names) return names.error().code == Errc::not_found ? ok() : Status(names.error());
  for (const auto& name : *names)
    if (is_sha256_hex(name) && (release == nullptr || name != release->manifest_sha256))
      CUBE_CHECK(root_.remove_tree(folder_ + "/" + name));
  return ok();
}

}  // namespace cube
