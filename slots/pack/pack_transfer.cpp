#include "slots/pack/pack_transfer.h"

#include <algorithm>
#include <atomic>

#include "base/workers.h"
#include "slots/pack/pack_reader.h"

namespace cube {
namespace {

// Memory is for each thread: two chunks and the bases.
constexpr unsigned max_threads = 2;
// So many parts for each thread: no thread waits long for another one at the end.
constexpr std::size_t parts_per_thread = 6;
constexpr std::uint64_t least_part_bytes = 4 * max_chunk_bytes;

std::uint64_t bytes_of(const std::vector<ChunkRange>& ranges) {
  std::uint64_t bytes = 0;
  for (const auto& range : ranges) bytes += range.length;
  return bytes;
}

bool has(const std::vector<std::size_t>& sorted, std::size_t chunk) {
  return std::binary_search(sorted.begin(), sorted.end(), chunk);
}

std::vector<std::size_t> chunks_in(const ChunkRange& range,
                                   const std::vector<std::size_t>& missing) {
  return {std::lower_bound(missing.begin(), missing.end(), range.first),
          std::lower_bound(missing.begin(), missing.end(), range.first + range.count)};
}

// How far all threads are together, and whether they shall go on.
class Count {
 public:
  Count(const ProgressSink& progress, std::uint64_t total) : progress_(progress), total_(total) {}
  // Errors: cancelled.
  Status add(std::uint64_t bytes, const StopFlag& stop) {
    if (stop) return Error{Errc::cancelled, "another thread failed"};
    done_ += bytes;
    return progress_.go_on();
  }
  void tell() const { progress_({"fetch", done_, total_, "bytes"}); }

 private:
  const ProgressSink& progress_;
  std::uint64_t total_;
  std::atomic<std::uint64_t> done_{0};
};

PackPlace one_of(unsigned threads, const PackPlace& place, const ProgressSink& progress) {
  PackPlace share = place;
  share.http.max_bytes_per_second = (place.http.max_bytes_per_second + threads - 1) / threads;
  share.http.cancelled = [&progress] { return progress.cancelled(); };
  return share;
}

// One part in one thread.
Status get_part(PackSource& source, const PackIndex& index, const Wanted& part,
                const PackOutlet& outlet, Count& count, const StopFlag& stop) {
  CUBE_TRY(auto reader, PackReader::make(index, part, outlet.bases.get()));
  const auto take = [&](std::size_t number, std::string_view stored) -> Status {
    CUBE_CHECK(count.add(stored.size(), stop));
    return reader.feed(number, stored, *outlet.sink);
  };
  CUBE_CHECK(source.read(index, needed_chunks(index, part), take));
  return reader.finish();
}

}  // namespace

Status get_objects(const PackPlace& place, const PackIndex& index, const Wanted& wanted,
                   const std::function<Result<PackOutlet>()>& open, const ProgressSink& progress) {
  const auto threads = worker_count(max_threads);
  auto independent = wanted;
  const auto dependent = take_dependent(index, independent);
  const auto parts = split_wanted(index, independent, threads * parts_per_thread, least_part_bytes);
  // What is made of other objects of this pack comes last, in the order of the pack.
  const auto last = split_wanted(index, dependent, 1, 0);
  std::uint64_t total = 0;
  for (const auto* list : {&parts, &last})
    for (const auto& part : *list) total += bytes_of(plan_ranges(index, part, max_gap_bytes));
  Count count(progress, total);
  const auto get = [&](const std::vector<Wanted>& list) -> Status {
    const auto users = static_cast<unsigned>(std::min<std::size_t>(threads, list.size()));
    const auto share = one_of(users, place, progress);
    std::atomic<std::size_t> next{0};
    const auto work = [&](StopFlag& stop) -> Status {
      CUBE_TRY(const auto outlet, open());
      CUBE_TRY(auto source, PackSource::open(share));
      for (auto i = next++; i < list.size(); i = next++)
        CUBE_CHECK(get_part(source, index, list[i], outlet, count, stop));
      return ok();
    };
    return run_workers(users, work, [&] { count.tell(); });
  };
  for (const auto* list : {&parts, &last})
    if (!list->empty()) CUBE_CHECK(get(*list));
  count.tell();
  return ok();
}

StagingPlan plan_staging(const StagedPack& staged, const Pack& pack, const PackIndex& index,
                         const Wanted& wanted) {
  StagingPlan plan;
  plan.total_bytes = pack.index_length;
  std::string stored;
  for (const auto chunk : needed_chunks(index, wanted)) {
    const auto bytes = index.chunks()[chunk].stored;
    plan.total_bytes += bytes;
    if (staged.read(index, chunk, stored)) continue;
    plan.missing.push_back(chunk);
    plan.missing_bytes += bytes;
  }
  return plan;
}

Status get_chunks(const PackPlace& place, const PackIndex& index, const StagingPlan& plan,
                  const StagedPack& staged, const ProgressSink& progress) {
  const auto ranges = join_chunks(index, plan.missing, max_gap_bytes);
  const auto threads = static_cast<unsigned>(
      std::min<std::size_t>(worker_count(max_threads), std::max<std::size_t>(ranges.size(), 1)));
  const auto share = one_of(threads, place, progress);
  Count count(progress, bytes_of(ranges));
  std::atomic<std::size_t> next{0};
  const auto work = [&](StopFlag& stop) -> Status {
    CUBE_TRY(auto source, PackSource::open(share));
    const auto take = [&](std::size_t number, std::string_view stored) -> Status {
      CUBE_CHECK(count.add(stored.size(), stop));
      return has(plan.missing, number) ? staged.keep(index, number, stored) : ok();
    };
    for (auto i = next++; i < ranges.size(); i = next++)
      CUBE_CHECK(source.read(index, chunks_in(ranges[i], plan.missing), take));
    return ok();
  };
  CUBE_CHECK(run_workers(threads, work, [&] { count.tell(); }));
  count.tell();
  return staged.sync();
}

}  // namespace cube
