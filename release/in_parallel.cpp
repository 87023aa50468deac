#include "release/in_parallel.h"

#include <atomic>

#include "base/workers.h"

namespace cube {

Status in_parallel(unsigned threads, std::size_t count,
                   const std::function<Status(unsigned thread, std::size_t i)>& work,
                   const std::function<void(std::size_t done)>& tell) {
  std::atomic<unsigned> next_thread = 0;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  const auto one_thread = [&](StopFlag& stop) -> Status {
    const auto thread = next_thread++;
    for (auto i = next++; i < count && !stop; i = next++) {
      CUBE_CHECK(work(thread, i));
      ++done;
    }
    return ok();
  };
  return run_workers(threads, one_thread, [&] { tell(done); });
}

}  // namespace cube
