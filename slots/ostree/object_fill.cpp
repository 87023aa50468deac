#include "slots/ostree/object_fill.h"

#include <algorithm>
#include <atomic>
#include <iterator>
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
#include "slots/pack/pack_source.h"

namespace cube {
namespace {

constexpr unsigned max_threads = 4;

bool has(const std::vector<ObjectId>& sorted, const ObjectId& id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

void remove(std::vector<ObjectId>& sorted, const ObjectId& id) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (at != sorted.end() && *at == id) sorted.erase(at);
}

// Whether another place may have what this one did not give.
bool another_may_have_it(const Error& error) {
  return error.code == Errc::not_found || error.code == Errc::corrupt ||
         error.code == Errc::failed || error.code == Errc::untrusted;
}

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

Result<std::vector<ObjectId>> ObjectFill::run() {
  CUBE_TRY(const bool whole, try_packs());
  if (!whole) {
    CUBE_CHECK(repository_.pull(source_, release_.commit, running_, progress_));
    CUBE_TRY(own_, bare_objects(repository_.path()));
    CUBE_CHECK(list_tree());
  }
  return all_;
}

Status ObjectFill::look_around() {
  CUBE_TRY(own_, bare_objects(repository_.path()));
  if (running_.empty()) return ok();
  auto running = bare_objects(running_);
  if (running) elsewhere_ = std::move(*running);
  return ok();
}

// False: something is still missing.
Result<bool> ObjectFill::try_packs() {
  if (!repository_.keeps_owners()) return false;
  CUBE_CHECK(BareWriter::clean(repository_.path()));
  CUBE_CHECK(look_around());
  const auto places = usable_packs();
  // A release that is there already, or in the running slot, needs no source.
  for (auto place = places.begin();; ++place) {
    CUBE_TRY(const bool whole, complete());
    if (whole || place == places.end()) return whole;
    auto status = from_pack(*place);
    if (!status && !another_may_have_it(status.error())) return std::move(status).error();
    if (!status) log(Level::warning, "passed over: " + status.error().what);
    CUBE_TRY(own_, bare_objects(repository_.path()));
  }
}

// A delta is the cheapest place, if what it was made from is there. The full pack is asked twice:
// what it was not asked for the first time may turn out to be damaged in the running slot.
std::vector<PackPlace> ObjectFill::usable_packs() const {
  std::vector<PackPlace> places;
  const auto count = std::min(release_.packs.size(), source_.packs.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& pack = release_.packs[i];
    if (source_.packs[i].empty()) continue;
    const PackPlace place{source_.packs[i], pack, source_.http};
    if (pack.from.empty()) {
      places.push_back(place);
      places.push_back(place);
    } else if (const auto from = parse_sha256(pack.from)) {
      const ObjectId commit{ObjectKind::commit, *from};
      if (has(own_, commit) || has(elsewhere_, commit)) places.insert(places.begin(), place);
    }
  }
  return places;
}

Status ObjectFill::from_pack(const PackPlace& place) {
  CUBE_TRY(const auto index, PackSource(place.url, place.pack, place.http).index());
  Wanted wanted;
  for (const auto& object : index.objects()) {
    const ObjectId id{object.kind, object.name};
    wanted.push_back(!has(own_, id) && !has(elsewhere_, id));
  }
  std::vector<std::string> bases{repository_.path()};
  if (!running_.empty()) bases.push_back(running_);
  const auto open = [&]() -> Result<PackOutlet> {
    CUBE_TRY(auto writer, BareWriter::open(repository_.path()));
    return PackOutlet{std::make_unique<BareWriter>(std::move(writer)),
                      std::make_unique<SlotBases>(bases)};
  };
  return transfer(place, index, wanted, open, [&](std::uint64_t done, std::uint64_t total) {
    progress_({"fetch", done, total, "bytes"});
  });
}

// Whether the repository has everything, after what the running slot has was copied.
Result<bool> ObjectFill::complete() {
  auto listed = list_tree();
  if (!listed) {
    if (listed.error().code == Errc::corrupt) return false;
    return std::move(listed).error();
  }
  Ids missing, copied;
  std::set_difference(all_.begin(), all_.end(), own_.begin(), own_.end(),
                      std::back_inserter(missing));
  std::set_intersection(missing.begin(), missing.end(), elsewhere_.begin(), elsewhere_.end(),
                        std::back_inserter(copied));
  if (!copied.empty()) CUBE_CHECK(copy_from_running(copied));
  CUBE_TRY(own_, bare_objects(repository_.path()));
  return std::includes(own_.begin(), own_.end(), all_.begin(), all_.end());
}

// Commits and dirtrees are small, and say what else is needed, so they are proved before they are
// used. What the repository does not have is copied from the running slot.
Status ObjectFill::list_tree() {
  CUBE_TRY(const auto commit, parse_sha256(release_.commit));
  const auto load = find_in(repository_.native());
  CUBE_TRY(auto own, ObjectReader::open(repository_.path()));
  std::unique_ptr<Copier> copier;
  if (!elsewhere_.empty()) {
    CUBE_TRY(auto opened, Copier::open(running_, repository_.path()));
    copier = std::make_unique<Copier>(std::move(opened));
  }
  const FindTree find = [&](const ObjectId& id) -> Result<glib::Variant> {
    if (has(own_, id)) {
      if (own.check(id)) return load(id);
      remove(own_, id);
    }
    if (has(elsewhere_, id)) {
      const auto status = copier->copy(id);
      if (status) return load(id);
      if (status.error().code != Errc::corrupt) return status.error();
      remove(elsewhere_, id);
    }
    return Error{Errc::corrupt, describe(id) + " is missing"};
  };
  CUBE_TRY(const auto objects, walk_commit(commit, find));
  all_.clear();
  for (const auto& object : objects) all_.push_back({object.kind, object.name});
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
  for (const auto& id : damaged) remove(elsewhere_, id);
  return ok();
}

}  // namespace cube
