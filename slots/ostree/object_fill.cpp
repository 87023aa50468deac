#include "slots/ostree/object_fill.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>

#include "base/log.h"
#include "base/workers.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/bare_writer.h"
#include "slots/ostree/commit_walk.h"
#include "slots/ostree/object_reader.h"
#include "slots/ostree/slot_bases.h"
#include "slots/pack/pack_transfer.h"

namespace cube {
namespace {

constexpr unsigned max_threads = 4;
constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t spare_bytes = 16 * mib;
constexpr std::uint64_t block_bytes = 4096;

// From one repository into another, proved on the way.
class Copier {
 public:
  static Result<Copier> open(const std::string& from, const std::string& to) {
    CUBE_TRY(auto reader, ObjectReader::open(from));
    CUBE_TRY(auto writer, BareWriter::open(to));
    return Copier(std::move(reader), std::move(writer));
  }
  // Errors: corrupt (damaged or missing there), no_space, failed.
  Status copy(const ObjectId& id) { return reader_.read(id, writer_); }

 private:
  Copier(ObjectReader reader, BareWriter writer)
      : reader_(std::move(reader)), writer_(std::move(writer)) {}
  ObjectReader reader_;
  BareWriter writer_;
};

}  // namespace

Result<std::vector<BareObject>> ObjectFill::run() {
  CUBE_TRY(const bool whole, try_packs());
  if (!whole) {
    CUBE_CHECK(pull());
    CUBE_TRY(at_hand_, ObjectsAtHand::look(repository_.path(), running_));
    CUBE_CHECK(list_tree());
  }
  CUBE_CHECK(repository_.mark_complete(release_.commit));
  CUBE_CHECK(delete_others(repository_.path(), at_hand_.own(), all_));
  std::vector<BareObject> kept;
  for (const auto& object : at_hand_.own())
    if (std::binary_search(all_.begin(), all_.end(), object.id)) kept.push_back(object);
  return kept;
}

// False: something is still missing.
Result<bool> ObjectFill::try_packs() {
  if (!repository_.keeps_owners()) return false;
  CUBE_CHECK(BareWriter::clean(repository_.path()));
  CUBE_TRY(at_hand_, ObjectsAtHand::look(repository_.path(), running_));
  auto places = usable_packs(release_, source_, at_hand_);
  // What the last one was not asked for may turn out to be damaged in the running slot.
  if (!places.empty()) places.push_back(places.back());
  // A release that is there already, or in the running slot, needs no source.
  for (auto place = places.begin();; ++place) {
    CUBE_TRY(const bool whole, complete());
    if (whole || place == places.end()) return whole;
    auto status = from_pack(*place);
    if (!status && !another_may_have_it(status.error())) return std::move(status).error();
    passed_over_ = status ? "" : status.error().what;
    if (!status) log(Level::warning, "passed over: " + passed_over_);
  }
}

// One who may not use the last place is told what was wrong with the place before.
Status ObjectFill::pull() {
  const auto status = repository_.pull(source_, release_.commit, running_, progress_);
  if (status || status.error().code != Errc::refused) return status;
  const std::string why =
      passed_over_.empty()
          ? "the packs of this release lack objects (`cube-release pack` makes them)"
          : passed_over_;
  return Error{Errc::refused, why + ", and " + status.error().what};
}

Status ObjectFill::from_pack(const PackPlace& place) {
  CUBE_TRY(auto source, PackSource::open(place));
  CUBE_TRY(const auto index, source.index());
  CUBE_CHECK(check_room(index));
  std::vector<std::string> bases{repository_.path()};
  if (!running_.empty()) bases.push_back(running_);
  const auto open = [&]() -> Result<PackOutlet> {
    CUBE_TRY(auto writer, BareWriter::open(repository_.path()));
    return PackOutlet{std::make_unique<BareWriter>(std::move(writer)),
                      std::make_unique<SlotBases>(bases)};
  };
  const auto wanted = lacking(index, at_hand_);
  const auto status = get_objects(place, index, wanted, open, progress_);
  Ids asked_for;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) asked_for.push_back({index.objects()[i].kind, index.objects()[i].name});
  at_hand_.look_again(asked_for);
  return status;
}

// Before the first byte is downloaded: beside what is there, and with what blocks and folders cost.
Status ObjectFill::check_room(const PackIndex& index) const {
  std::uint64_t needed = spare_bytes;
  for (const auto& object : index.objects())
    if (!at_hand_.in_own({object.kind, object.name})) needed += object.length + block_bytes / 2;
  struct statvfs fs {};
  if (::statvfs(repository_.path().c_str(), &fs) != 0)
    return system_error("space of " + repository_.path());
  const auto available = static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize;
  if (needed <= available) return ok();
  return Error{Errc::no_space, release_.name.text + " needs " + std::to_string(needed / mib) +
                                   " MiB beside what is in " + repository_.path() + ", and " +
                                   std::to_string(available / mib) + " MiB are free"};
}

// Whether the repository has everything, after what the running slot has was copied.
Result<bool> ObjectFill::complete() {
  auto listed = list_tree();
  if (!listed) {
    if (listed.error().code == Errc::corrupt) return false;
    return std::move(listed).error();
  }
  Ids missing, copied;
  for (const auto& id : all_)
    if (!at_hand_.in_own(id)) (at_hand_.in_running(id) ? copied : missing).push_back(id);
  if (copied.empty()) return missing.empty();
  CUBE_CHECK(copy_from_running(copied));
  at_hand_.look_again(copied);
  return missing.empty() && std::all_of(copied.begin(), copied.end(),
                                        [&](const ObjectId& id) { return at_hand_.in_own(id); });
}

// Commits and dirtrees are small, and say what else is needed, so they are proved before they are
// used. What the repository does not have is copied from the running slot.
Status ObjectFill::list_tree() {
  CUBE_TRY(const auto commit, parse_sha256(release_.commit));
  CUBE_TRY(auto own, ObjectReader::open(repository_.path()));
  std::unique_ptr<Copier> copier;
  if (!running_.empty() && repository_.keeps_owners()) {
    CUBE_TRY(auto opened, Copier::open(running_, repository_.path()));
    copier = std::make_unique<Copier>(std::move(opened));
  }
  Ids copied;
  const FindTree find = [&](const ObjectId& id) -> Result<glib::Variant> {
    if (at_hand_.in_own(id)) {
      auto found = own.tree_object(id);
      if (found) return found;
      at_hand_.forget_own(id);
    }
    if (copier && at_hand_.in_running(id)) {
      const auto status = copier->copy(id);
      if (status) {
        copied.push_back(id);
        return own.tree_object(id);
      }
      if (status.error().code != Errc::corrupt) return status.error();
      at_hand_.forget_running(id);
    }
    return Error{Errc::corrupt, describe(id) + " is missing"};
  };
  const auto objects = walk_commit(commit, find);
  at_hand_.look_again(copied);
  if (!objects) return objects.error();
  all_.clear();
  for (const auto& object : *objects) all_.push_back({object.kind, object.name});
  std::sort(all_.begin(), all_.end());
  return ok();
}

// What is damaged there is not looked for there again.
Status ObjectFill::copy_from_running(const Ids& missing) {
  const auto sizes = bare_file_sizes(running_, missing);
  const auto total = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> done{0};
  std::mutex mutex;
  Ids damaged;
  const auto work = [&](StopFlag& stop) -> Status {
    CUBE_TRY(auto copier, Copier::open(running_, repository_.path()));
    for (auto i = next++; i < missing.size() && !stop; i = next++) {
      CUBE_CHECK(progress_.go_on());
      const auto status = copier.copy(missing[i]);
      if (!status && status.error().code != Errc::corrupt) return status;
      if (!status) {
        const std::lock_guard lock(mutex);
        damaged.push_back(missing[i]);
      }
      done += sizes[i];
    }
    return ok();
  };
  const auto tell = [&] { progress_({"copy", done, total, "bytes"}); };
  CUBE_CHECK(run_workers(worker_count(max_threads), work, tell));
  tell();
  for (const auto& id : damaged) at_hand_.forget_running(id);
  return ok();
}

}  // namespace cube
