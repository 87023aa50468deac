// The BMC's event log, as far as a watchdog writes to it: where it ended when the timer was
// started, and what came after. Bounded: at most max_walk entries are looked at.
#pragma once

#include <cstdint>
#include <optional>

#include "boot/watchdog/ipmi_channel.h"

namespace cube::ipmi {

struct LogPosition {
  std::uint16_t last = 0;  // newest entry; 0: the log is empty
  std::uint32_t time = 0;  // now, by the BMC's clock

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

struct WatchdogEntry {
  std::uint16_t id = 0;
  std::uint32_t seconds = 0;  // since the position was taken; 0: the BMC's clock was set meanwhile
};

// Errors of both: as IpmiChannel::ask, corrupt, refused (a BMC without a log, say).
[[nodiscard]] Result<LogPosition> end_of_log(IpmiChannel& bmc);
// The first entry after `since` that says that the watchdog reset the machine or took its power.
// Where the log was erased since, only what is not older counts.
[[nodiscard]] Result<std::optional<WatchdogEntry>> watchdog_entry(IpmiChannel& bmc,
                                                                  const LogPosition& since);

}  // namespace cube::ipmi
