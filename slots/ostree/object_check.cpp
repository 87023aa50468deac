#include "slots/ostree/object_check.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>

#include "base/workers.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/object_reader.h"

namespace cube {
namespace {

// More threads than this only make a disk seek.
constexpr unsigned max_threads = 8;

}  // namespace

Status check_objects(const std::string& repository, const std::vector<ObjectId>& ids,
                     const std::string& stage, const ProgressSink& progress,
                     const std::function<bool(const ObjectId&, const Error&)>& damaged) {
  const auto sizes = bare_file_sizes(repository, ids);
  const auto all_bytes = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  std::atomic<std::uint64_t> next{0}, done{0}, done_bytes{0};
  std::mutex mutex;  // of `damaged`
  // The objects are handed out one by one to whichever thread is free.
  const auto work = [&](StopFlag& stop) -> Status {
    CUBE_TRY(auto reader, ObjectReader::open(repository));
    for (auto i = next++; i < ids.size() && !stop; i = next++) {
      CUBE_CHECK(progress.go_on());
      const auto length = reader.check(ids[i]);
      if (!length) {
        const std::lock_guard lock(mutex);
        if (!stop && !damaged(ids[i], length.error())) stop = true;
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
  return ok();
}

}  // namespace cube
