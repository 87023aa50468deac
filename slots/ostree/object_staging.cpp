#include "slots/ostree/object_staging.h"

#include "base/durable_file.h"
#include "slots/ostree/pack_choice.h"
#include "slots/pack/pack_transfer.h"
#include "slots/staging.h"

namespace cube {
namespace {

Status stage_pack(const RootDir& root, const PackPlace& place, const ObjectSource& source,
                  const ObjectsAtHand& at_hand, const ProgressSink& progress) {
  CUBE_CHECK(root.make_dirs(source.staging, 0700));
  CUBE_TRY(const auto staged, StagedPack::create(place.staged, place.pack));
  CUBE_TRY(auto index, staged.index());
  if (!index) {
    CUBE_TRY(auto remote, PackSource::open(place));
    std::string bytes;
    CUBE_TRY(index, remote.index(&bytes));
    CUBE_CHECK(check_staging(root, source, bytes.size(), bytes.size()));
    CUBE_CHECK(staged.keep_index(bytes));
  }
  const auto plan = plan_staging(staged, place.pack, *index, lacking(*index, at_hand));
  CUBE_CHECK(check_staging(root, source, plan.total_bytes, plan.missing_bytes));
  CUBE_CHECK(get_chunks(place, *index, plan, staged, progress));
  // The pack's name has to survive, too.
  return sync_folder(root, source.staging);
}

}  // namespace

Status stage_objects(const RootDir& root, const std::string& own, const std::string& running,
                     const Release& release, const ObjectSource& source,
                     const ProgressSink& progress) {
  ObjectSource below = source;
  below.staging = root.join(source.staging);
  CUBE_TRY(const auto at_hand, ObjectsAtHand::look(own, running));
  Error last{Errc::failed, release.name.text +
                               " has no pack that could be downloaded ahead; `cube-update apply` "
                               "downloads and installs it"};
  for (const auto& place : usable_packs(release, below, at_hand)) {
    auto status = stage_pack(root, place, source, at_hand, progress);
    if (status || !another_may_have_it(status.error())) return status;
    last = std::move(status).error();
  }
  return last;
}

}  // namespace cube
