// check_pack and verify_pack of release/packer.h.
#include <fcntl.h>

#include "base/digest.h"
#include "release/packer.h"
#include "slots/ostree/commit_objects.h"
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

Status check_objects(const PackIndex& index, const CommitObjects& objects) {
  for (const auto& object : objects.list())
    if (!index.find(object.kind, object.name))
      return Error{Errc::corrupt, "lacks " + describe(object.kind, object.name)};
  if (index.objects().size() == objects.list().size()) return ok();
  return Error{Errc::corrupt, "has objects that its commit does not have"};
}

Status verify_file(const RootDir& repository, const Release& release, const Pack& pack) {
  CUBE_TRY(const auto file, open_pack(repository, release, pack));
  CUBE_TRY(const auto index, check_file(file, release, pack));
  CUBE_TRY(const auto objects, CommitObjects::open(repository.join("repo"), release.commit));
  CUBE_CHECK(check_objects(index, objects));
  Nowhere nowhere;
  return read_pack_objects(file, index, nowhere);
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
