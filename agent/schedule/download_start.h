// DownloadStart: when this machine begins to download a release by itself: a while after it first
// saw it, which its machine id and the release decide, so that a fleet does not download in one
// minute.
#pragma once

#include <optional>
#include <string>

#include "agent/schedule/schedule.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct PlannedDownload {
  std::string release;
  UnixSeconds at = 0;
};

class DownloadStart {
 public:
  // `spread`: seconds, schedule.download-spread. `root` and `schedule` outlive it.
  DownloadStart(const RootDir& root, const Schedule& schedule, Seconds spread)
      : root_(root), schedule_(schedule), spread_(spread) {}

  // When the download of this release may begin; durable from the first call on, so that restarts
  // do not move it. At most half of the time until the next window opens is waited; in a window,
  // and without a spread, nothing is. Errors: no_space, failed.
  Result<UnixSeconds> begin_of(const std::string& release, UnixSeconds now);
  // What is waited for; nullopt: nothing is. A file without sense is nothing.
  [[nodiscard]] std::optional<PlannedDownload> waiting() const;
  // Whether what was waited for is due. A clock that was set back by more than the spread ends it.
  [[nodiscard]] bool is_due(UnixSeconds now) const;
  // Nothing is waited for any more. Errors: failed.
  Status forget();

 private:
  [[nodiscard]] Seconds share(const std::string& release, UnixSeconds now) const;

  const RootDir& root_;
  const Schedule& schedule_;
  Seconds spread_;
};

}  // namespace cube
