// Schedule: when this machine may restart into a trial by itself, and when it looks for releases.
//
// Within an opening of a window the start is spread: each machine waits a while of its own, which
// its machine id and the opening decide, so that a fleet does not restart in one second. Files in
// etc/cube-update/hold.d and run/cube-update/hold.d hold the machine as long as they are there,
// whatever their names, and so does whoever blocks a shutdown by logind.
#pragma once

#include <optional>
#include <string>

#include "agent/config.h"
#include "agent/start_gate.h"
#include "base/root_dir.h"
#include "model/maintenance_window.h"

namespace cube {

class Schedule final : public StartGate {
 public:
  // `root` outlives it. Whatever is wrong with windows or time zones (no tzdata) is the error of
  // the calls that need them: a commit needs none.
  Schedule(const RootDir& root, const Config& config);

  [[nodiscard]] Result<std::string> holds_back(const Update& update,
                                               UnixSeconds now) const override;

  // The part of an opening in which this machine starts: the current one as long as it is open, or
  // the next. nullopt: there is none within 400 days. Errors: invalid, failed.
  [[nodiscard]] Result<std::optional<Opening>> next_start(UnixSeconds now) const;
  // As configured, without the spread. Its error: whatever is wrong with them.
  [[nodiscard]] const Result<MaintenanceWindows>& windows() const { return windows_; }
  [[nodiscard]] bool has_windows() const { return has_windows_; }
  // In the schedule's time zone, or in UTC if that is not known.
  [[nodiscard]] std::string format(UnixSeconds time) const;
  // "2026-11-25T20:55:00Z", or "2026-11-25 21:55" in the schedule's time zone. Errors: invalid,
  // failed.
  [[nodiscard]] Result<UnixSeconds> parse_time(const std::string& text) const;

  // Whether it is time to look for a release again, after `last`; 0: never looked. Spread by up to
  // a quarter of the interval; a clock that was set back does not put it off.
  [[nodiscard]] bool check_is_due(UnixSeconds last, UnixSeconds now) const;

 private:
  // 0 to `most`, the same whenever this machine asks for the same event.
  [[nodiscard]] Seconds share(UnixSeconds event, Seconds most) const;

  const RootDir& root_;
  Seconds spread_;
  Seconds check_interval_;
  bool has_windows_;
  Result<MaintenanceWindows> windows_;
  std::string machine_;  // what tells this machine from others
};

}  // namespace cube
