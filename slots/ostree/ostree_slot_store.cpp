#include "slots/ostree/ostree_slot_store.h"

#include "base/mutation.h"
#include "slots/make_filesystem.h"
#include "slots/ostree/etc_diff.h"
#include "slots/ostree/object_staging.h"
#include "slots/ostree/slot_tree.h"
#include "slots/seal_file.h"

namespace cube {

Result<SlotPlace> OstreeSlotStore::writable(SlotId target) const {
  CUBE_TRY(const auto booted, pair_.booted());
  if (booted == target && !mutated("booted-slot-writable"))
    return Error{Errc::bug, "slot " + std::string(to_string(target)) +
                                " is the running one and is never written by an update"};
  return pair_.place(target);
}

Result<MountedSlot> OstreeSlotStore::look_into(SlotId slot) const {
  CUBE_TRY(const auto place, pair_.place(slot));
  CUBE_TRY(const auto booted, pair_.booted());
  return MountedSlot::open(root_, slot, place, booted == slot, Access::read);
}

Result<std::optional<Seal>> OstreeSlotStore::seal_of(SlotId slot) const {
  auto mounted = look_into(slot);
  if (!mounted) {
    if (mounted.error().code == Errc::corrupt) return std::optional<Seal>();
    return std::move(mounted).error();
  }
  return read_seal(mounted->tree());
}

Result<EtcDifferences> OstreeSlotStore::etc_differences(bool pending) const {
  constexpr const char* scratch_folder = "run/cube-update/etc-diff";
  CUBE_TRY(const auto booted, pair_.booted());
  CUBE_TRY(const auto running, look_into(booted));
  CUBE_TRY(const auto seal, read_seal(running.tree()));
  if (!seal)
    return Error{Errc::not_found,
                 "the running slot has no seal, so nobody knows what its release brought"};
  CUBE_TRY(const auto old, Repository::open_bare_to_read(SlotTree::repository_of(running.tree())));
  CUBE_CHECK(root_.make_dirs(scratch_folder, 0700));
  CUBE_TRY(const auto scratch, root_.below(scratch_folder));
  if (!pending)
    return cube::etc_differences({old, seal->commit}, running.tree(), nullptr, config_.carry_over,
                                 scratch);
  CUBE_TRY(const auto mounted, look_into(other(booted)));
  CUBE_TRY(const auto next_seal, read_seal(mounted.tree()));
  if (!next_seal) return Error{Errc::not_found, "the other slot has no seal"};
  CUBE_TRY(const auto next, Repository::open_bare_to_read(SlotTree::repository_of(mounted.tree())));
  const CommitAt release{next, next_seal->commit};
  return cube::etc_differences({old, seal->commit}, running.tree(), &release, config_.carry_over,
                               scratch);
}

Result<Drift> OstreeSlotStore::drift(bool full, const ProgressSink& progress) const {
  CUBE_TRY(const auto booted, pair_.booted());
  CUBE_TRY(const auto running, look_into(booted));
  CUBE_TRY(const auto seal, read_seal(running.tree()));
  if (!seal)
    return Error{Errc::not_found,
                 "the running slot has no seal, so nobody knows what its release brought"};
  return SlotTree(running.tree(), config_)
      .drift(seal->commit, full ? Look::full : Look::quick, progress);
}

Status OstreeSlotStore::stage(SlotId target, const Release& release, const ObjectSource& source,
                              const ProgressSink& progress) {
  CUBE_TRY(const auto place, writable(target));
  CUBE_TRY(const auto running_slot, pair_.booted());
  CUBE_TRY(const auto running_place, pair_.place(running_slot));
  CUBE_TRY(const auto running,
           MountedSlot::open(root_, running_slot, running_place, true, Access::read));
  // A slot that cannot be mounted has nothing to offer.
  const auto mounted = MountedSlot::open(root_, target, place, false, Access::read);
  if (!mounted && mounted.error().code != Errc::corrupt) return mounted.error();
  return stage_objects(root_, mounted ? SlotTree::repository_of(mounted->tree()) : "",
                       SlotTree::repository_of(running.tree()), release, source, progress);
}

Status OstreeSlotStore::unseal(SlotId target) {
  CUBE_TRY(const auto place, writable(target));
  proof_.reset();
  auto mounted = MountedSlot::open(root_, target, place, false, Access::write);
  if (!mounted) return mounted.error().code == Errc::corrupt ? ok() : Status(mounted.error());
  CUBE_CHECK(remove_seal(mounted->tree()));
  return mounted->close();
}

// Makes the filesystem anew when there is none that can be mounted and read by the loader.
Result<MountedSlot> OstreeSlotStore::open_for_filling(SlotId target, const SlotPlace& place) const {
  auto mounted = MountedSlot::open(root_, target, place, false, Access::write);
  if (place.is_folder) return mounted;
  const std::string device = root_.join(place.path);
  if (mounted && check_loader_readable(device)) return mounted;
  if (!mounted && mounted.error().code != Errc::corrupt) return mounted;
  if (mounted) CUBE_CHECK(mounted->close());
  CUBE_CHECK(make_ext4(device, "cube-" + std::string(to_string(target))));
  return MountedSlot::open(root_, target, place, false, Access::write);
}

Status OstreeSlotStore::fill(SlotId target, const Release& release, const ObjectSource& source,
                             const ProgressSink& progress) {
  CUBE_TRY(const auto place, writable(target));
  proof_.reset();
  const auto damaged = damage_.slot == target ? damage_.objects : std::vector<ObjectId>();
  CUBE_TRY(auto mounted, open_for_filling(target, place));
  CUBE_TRY(const auto present, read_seal(mounted.tree()));
  if (present)
    return Error{Errc::bug,
                 "slot " + std::string(to_string(target)) + " is sealed; unseal it first"};
  CUBE_TRY(const auto running_slot, pair_.booted());
  CUBE_TRY(const auto running_place, pair_.place(running_slot));
  CUBE_TRY(const auto running,
           MountedSlot::open(root_, running_slot, running_place, true, Access::read));
  ObjectSource with_staging = source;
  if (!source.staging.empty()) with_staging.staging = root_.join(source.staging);
  CUBE_CHECK(SlotTree(mounted.tree(), config_)
                 .fill(release, with_staging, &running.tree(), damaged, progress));
  return mounted.close();
}

Status OstreeSlotStore::carry_over(SlotId target, const Release& release) {
  CUBE_TRY(const auto place, writable(target));
  CUBE_TRY(const auto running_slot, pair_.booted());
  CUBE_TRY(const auto running_place, pair_.place(running_slot));
  CUBE_TRY(const auto running,
           MountedSlot::open(root_, running_slot, running_place, true, Access::read));
  CUBE_TRY(auto mounted, MountedSlot::open(root_, target, place, false, Access::write));
  CUBE_CHECK(SlotTree(mounted.tree(), config_).take_along_again(release, running.tree()));
  return mounted.close();
}

Status OstreeSlotStore::verify(SlotId target, const Release& release,
                               const ProgressSink& progress) {
  CUBE_TRY(const auto place, pair_.place(target));
  CUBE_TRY(const auto booted, pair_.booted());
  proof_.reset();
  CUBE_TRY(const auto mounted,
           MountedSlot::open(root_, target, place, booted == target, Access::read));
  const auto status =
      SlotTree(mounted.tree(), config_).verify(release, progress, damage_.objects);
  damage_.slot = target;
  if (!status) return status;
  proof_ = Proof{target, release.commit};
  return ok();
}

Status OstreeSlotStore::verify_after_use(SlotId target, const Release& release,
                                         const ProgressSink& progress) {
  CUBE_TRY(const auto place, pair_.place(target));
  CUBE_TRY(const auto booted, pair_.booted());
  CUBE_TRY(const auto mounted,
           MountedSlot::open(root_, target, place, booted == target, Access::read));
  return SlotTree(mounted.tree(), config_).verify_after_use(release, progress);
}

Status OstreeSlotStore::seal(SlotId target, const Release& release, std::uint64_t attempt) {
  CUBE_TRY(const auto place, writable(target));
  const bool proved = proof_ && proof_->slot == target && proof_->commit == release.commit;
  if (!proved && !mutated("seal-without-verify"))
    return Error{Errc::bug, "slot " + std::string(to_string(target)) +
                                " was not verified since it was changed, so it is not sealed"};
  if (!place.is_folder) CUBE_CHECK(check_loader_readable(root_.join(place.path)));
  CUBE_TRY(auto mounted, MountedSlot::open(root_, target, place, false, Access::write));
  CUBE_CHECK(write_seal(mounted.tree(), Seal{release.name.text, release.manifest_sha256,
                                             release.commit, release.epoch, attempt}));
  return mounted.close();
}

}  // namespace cube
