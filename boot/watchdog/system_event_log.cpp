#include "boot/watchdog/system_event_log.h"

#include "boot/watchdog/ipmi_messages.h"

namespace cube::ipmi {
namespace {

constexpr std::uint8_t hard_reset = 1, power_cycle = 3;
constexpr std::uint32_t longest = 86400;  // seconds; more is another clock

Result<LogEntry> entry_at(IpmiChannel& bmc, std::uint16_t id) {
  CUBE_TRY(const auto reply, bmc.ask(get_log_entry(id)));
  return parse_log_entry(reply);
}

bool restarts(const LogEntry& entry) {
  return entry.watchdog_event && *entry.watchdog_event >= hard_reset &&
         *entry.watchdog_event <= power_cycle;
}

}  // namespace

Result<LogPosition> end_of_log(IpmiChannel& bmc) {
  LogPosition end;
  CUBE_TRY(const auto info_reply, bmc.ask(get_log_info()));
  CUBE_TRY(const auto info, parse_log_info(info_reply));
  if (info.entries > 0) {
    CUBE_TRY(const auto newest, entry_at(bmc, last_entry));
    end.last = newest.id;
  }
  CUBE_TRY(const auto time_reply, bmc.ask(get_log_time()));
  CUBE_TRY(end.time, parse_log_time(time_reply));
  return end;
}

Result<std::optional<WatchdogEntry>> watchdog_entry(IpmiChannel& bmc, const LogPosition& since) {
  std::uint16_t id = since.last;
  bool erased = id == first_entry;
  for (int looked_at = 0; looked_at <= max_walk; ++looked_at) {
    auto entry = entry_at(bmc, id);
    if (!entry) {
      if (entry.error().code != Errc::refused) return std::move(entry).error();
      // The newest entry of then is not there any more; or the log is empty.
      if (erased) return std::optional<WatchdogEntry>();
      erased = true;
      id = first_entry;
      continue;
    }
    const bool later = erased ? entry->time >= since.time : entry->id != since.last;
    if (later && restarts(*entry)) {
      const bool one_clock = entry->time >= since.time && entry->time - since.time <= longest;
      return std::optional(WatchdogEntry{entry->id, one_clock ? entry->time - since.time : 0});
    }
    if (entry->next == last_entry || entry->next == entry->id) break;
    id = entry->next;
  }
  return std::optional<WatchdogEntry>();
}

}  // namespace cube::ipmi
