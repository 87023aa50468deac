#include "slots/pack/pack_transfer.h"

#include <algorithm>
#include <atomic>

#include "base/workers.h"
#include "slots/pack/pack_reader.h"
#include "slots/pack/pack_source.h"

namespace cube {
namespace {

// Memory is for each thread: two chunks and the bases.
constexpr unsigned max_threads = 2;
// So many parts for each thread: no thread waits long for another one at the end.
constexpr std::size_t parts_per_thread = 6;
constexpr std::uint64_t least_part_bytes = 4 * max_chunk_bytes;
// Fetching so many bytes for nothing costs less than one more request
// (docs/decisions/0009-packs.md).
constexpr std::uint64_t max_gap_bytes = 128 * 1024;

std::uint64_t bytes_of(const std::vector<ChunkRange>& ranges) {
  std::uint64_t bytes = 0;
  for (const auto& range : ranges) bytes += range.length;
  return bytes;
}

}  // namespace

std::vector<Wanted> split_wanted(const PackIndex& index, const Wanted& wanted, std::size_t parts,
                                 std::uint64_t least) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) all += index.objects()[i].length;
  const auto target = std::max(least, all / parts + 1);
  std::vector<Wanted> split;
  std::uint64_t bytes = 0;
  std::size_t last_chunk = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    const bool own_chunk = index.chunk_at(index.object_start(i)) > last_chunk;
    if (split.empty() || (bytes >= target && own_chunk)) {
      split.emplace_back(wanted.size(), false);
      bytes = 0;
    }
    split.back()[i] = true;
    bytes += index.objects()[i].length;
    last_chunk = index.chunk_at(index.object_start(i + 1) - 1);
  }
  return split;
}

Status transfer(const PackPlace& place, const PackIndex& index, const Wanted& wanted,
                const std::function<Result<PackOutlet>()>& open,
                const std::function<void(std::uint64_t done, std::uint64_t total)>& tell) {
  const auto threads = worker_count(max_threads);
  const auto parts = split_wanted(index, wanted, threads * parts_per_thread, least_part_bytes);
  if (parts.empty()) return ok();
  std::uint64_t total = 0;
  for (const auto& part : parts) total += bytes_of(plan_ranges(index, part, max_gap_bytes));
  auto http = place.http;
  http.max_bytes_per_second /= threads;
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> done{0};
  const auto work = [&](StopFlag& stop) -> Status {
    CUBE_TRY(const auto outlet, open());
    PackSource source(place.url, place.pack, http);
    for (auto i = next++; i < parts.size(); i = next++) {
      CUBE_TRY(auto reader, PackReader::make(index, parts[i], outlet.bases.get()));
      const auto take = [&](std::size_t number, std::string_view stored) -> Status {
        if (stop) return Error{Errc::cancelled, "another thread failed"};
        done += stored.size();
        return reader.feed(number, stored, *outlet.sink);
      };
      for (const auto& range : plan_ranges(index, parts[i], max_gap_bytes))
        CUBE_CHECK(source.read(index, range, take));
      CUBE_CHECK(reader.finish());
    }
    return ok();
  };
  CUBE_CHECK(run_workers(threads, work, [&] { tell(done, total); }));
  tell(done, total);
  return ok();
}

}  // namespace cube
