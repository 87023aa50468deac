#include "slots/pack/whole_pack.h"

#include "slots/pack/pack_transfer.h"

namespace cube {

Status get_whole_pack(const PackPlace& place, const RoomCheck& room, const ProgressSink& progress) {
  const auto& pack = place.pack;
  CUBE_TRY(const auto staged, StagedPack::create(place.staged, pack));
  CUBE_TRY(auto index, staged.index());
  if (!index) {
    CUBE_CHECK(room(pack.length, pack.length));
    CUBE_TRY(auto remote, PackSource::open(place));
    std::string bytes;
    CUBE_TRY(index, remote.index(&bytes));
    CUBE_CHECK(staged.keep_index(bytes));
  }
  const auto plan = plan_staging(staged, pack, *index, Wanted(index->objects().size(), true));
  CUBE_CHECK(room(pack.length, plan.missing_bytes));
  CUBE_CHECK(get_chunks(place, *index, plan, staged, progress));
  CUBE_CHECK(staged.keep_header());
  CUBE_TRY(const auto digest, staged.sha256());
  if (to_hex(digest) != pack.sha256)
    return Error{Errc::corrupt, place.url + ": its SHA-256 is not that of the manifest"};
  return staged.sync();
}

}  // namespace cube
