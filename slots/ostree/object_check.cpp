#include "slots/ostree/object_check.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>

#include "base/workers.h"
#include "slots/ostree/bare_files.h"

namespace cube {
namespace {

// More threads than this only make a disk seek.
constexpr unsigned max_threads = 8;

}  // namespace

Result<std::vector<CheckedObject>> check_objects(
    const std::string& repository, const std::vector<ObjectId>& ids, Reading reading,
    const std::string& stage, const ProgressSink& progress,
    const std::function<bool(const ObjectId&, const Error&)>& damaged) {
  std::vector<CheckedObject> checked(ids.size());
  const auto sizes = bare_file_sizes(repository, ids);
  const auto all_bytes = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  std::atomic<std::uint64_t> next{0}, done{0}, done_bytes{0};
  std::mutex mutex;  // of `damaged`
  // The objects are handed out one by one to whichever thread is free.
  const auto work = [&](StopFlag& stop) -> Status {
    CUBE_TRY(auto reader, ObjectReader::open(repository, reading));
    for (auto i = next++; i < ids.size() && !stop; i = next++) {
      CUBE_CHECK(progress.go_on());
      const auto found = reader.check(ids[i]);
      if (found) {
        checked[i] = *found;
      } else {
        const std::lock_guard lock(mutex);
        if (!stop && !damaged(ids[i], found.error())) stop = true;
      }
      done_bytes += sizes[i];
      ++done;
    }
    return ok();
  };
  const auto tell = [&] {
    if (all_bytes > 0)
      progress({stage, done_bytes, all_bytes, "bytes"});
    else
      progress({stage, done, ids.size(), "objects"});
  };
  CUBE_CHECK(run_workers(worker_count(max_threads), work, tell));
  tell();
  return checked;
}

}  // namespace cube
