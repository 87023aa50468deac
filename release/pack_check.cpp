// check_pack and verify_pack of release/packer.h.
#include <fcntl.h>

#include <set>

#include "base/digest.h"
#include "base/mutation.h"
#include "release/packer.h"
#include "slots/ostree/commit_objects.h"
#include "slots/ostree/compose/archive_files.h"
#include "slots/pack/pack_file.h"

namespace cube {
namespace {

Error in_pack(Error error, const Release& release, const Pack& pack) {
  if (error.code == Errc::corrupt) error.what += "; restore it from your copy, or pack again";
  return std::move(error).in("release " + release.name.text + ": pack " + pack.file);
}

Result<Fd> open_pack(const RootDir& repository, const Release& release, const Pack& pack) {
  auto file = repository.open_file(pack_path(release.name.text, pack), O_RDONLY | O_NOFOLLOW);
  if (!file && file.error().code == Errc::not_found) return Error{Errc::corrupt, "is missing"};
  return file;
}

Result<PackIndex> check_file(const Fd& file, const Release& release, const Pack& pack) {
  CUBE_TRY(auto index, read_pack_index(file, pack));
  if (to_hex(index.commit()) != release.commit)
    return Error{Errc::corrupt, "is that of another commit"};
  if ((index.from() ? to_hex(*index.from()) : "") != pack.from)
    return Error{Errc::corrupt, "is not from the commit that the manifest says"};
  CUBE_TRY(const auto digest, sha256_of_rest(file));
  if (to_hex(digest) != pack.sha256)
    return Error{Errc::corrupt, "its SHA-256 is not that of the manifest"};
  return index;
}

// Each object was checked before its end() is called; there is nothing to keep.
class Nowhere : public ObjectSink {
 public:
  Status begin(const PackObject&) override { return ok(); }
  Status write(std::string_view) override { return ok(); }
  Status end() override { return ok(); }
  Status lose() override { return ok(); }
};

std::string commit_file(const std::string& commit) {
  return "repo/objects/" + commit.substr(0, 2) + "/" + commit.substr(2) + ".commit";
}

using ObjectNames = std::set<std::pair<ObjectKind, Sha256>>;

ObjectNames names_of(const CommitObjects& objects) {
  ObjectNames names;
  for (const auto& object : objects.list()) names.insert({object.kind, object.name});
  return names;
}

Status check_objects(const PackIndex& index, const ObjectNames& names) {
  for (const auto& [kind, name] : names)
    if (!index.find(kind, name)) return Error{Errc::corrupt, "lacks " + describe(kind, name)};
  if (index.objects().size() == names.size()) return ok();
  return Error{Errc::corrupt, "has objects that its commit does not have, or the older one has"};
}

Status verify_full(const Fd& file, const PackIndex& index, const CommitObjects& objects) {
  CUBE_CHECK(check_objects(index, names_of(objects)));
  Nowhere nowhere;
  return read_pack_objects(file, index, nowhere);
}

// A machine has the older commit's files and those that the delta gave it before, no others.
Status check_bases(const PackIndex& index, const ObjectNames& older) {
  for (const auto& base : index.bases())
    if (!mutated("delta-of-any-base-verified") && older.count({ObjectKind::file, base.name}) == 0 &&
        !index.find(ObjectKind::file, base.name))
      return Error{Errc::corrupt, "needs " + describe(ObjectKind::file, base.name) +
                                      ", which the older commit does not have"};
  return ok();
}

Status verify_delta(const Fd& file, const PackIndex& index, const CommitObjects& objects,
                    const std::string& repository) {
  CUBE_TRY(const auto older, CommitObjects::open(repository, to_hex(*index.from())));
  const auto older_names = names_of(older);
  ObjectNames added;
  for (const auto& name : names_of(objects))
    if (older_names.count(name) == 0) added.insert(name);
  CUBE_CHECK(check_objects(index, added));
  CUBE_CHECK(check_bases(index, older_names));
  CUBE_TRY(auto bases, ArchiveFiles::open(repository));
  Nowhere nowhere;
  return read_pack_objects(file, index, nowhere, &bases);
}

Status verify_file(const RootDir& repository, const Release& release, const Pack& pack) {
  CUBE_TRY(const auto file, open_pack(repository, release, pack));
  CUBE_TRY(const auto index, check_file(file, release, pack));
  const auto objects_path = repository.join("repo");
  CUBE_TRY(const auto objects, CommitObjects::open(objects_path, release.commit));
  if (!index.from()) return verify_full(file, index, objects);
  if (!repository.exists(commit_file(pack.from))) return ok();
  return verify_delta(file, index, objects, objects_path);
}

}  // namespace

Status check_pack(const RootDir& repository, const Release& release, const Pack& pack) {
  auto file = open_pack(repository, release, pack);
  if (!file) return in_pack(std::move(file).error(), release, pack);
  auto index = check_file(*file, release, pack);
  if (!index) return in_pack(std::move(index).error(), release, pack);
  return ok();
}

Status verify_pack(const RootDir& repository, const Release& release, const Pack& pack) {
  auto verified = verify_file(repository, release, pack);
  if (!verified) return in_pack(std::move(verified).error(), release, pack);
  return ok();
}

}  // namespace cube
