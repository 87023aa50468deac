// The IPMI messages that cube-update speaks, as bytes. Numbers are from the IPMI 2.0 specification:
// 27 (watchdog timer), 28.11 (restart cause), 31 (event log), 32 (its records), 42 (sensor types).
//
// Replies are foreign bytes: each must be of the request's command, have completion code 0 and
// exactly the length that the specification gives. Pure.
// Errors of all parsers: corrupt (wrong command, length or content), refused (a completion code,
// told in words).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "boot/watchdog/ipmi_channel.h"

namespace cube::ipmi {

// The data of the reply without its completion code; a part of `reply`.
[[nodiscard]] Result<std::string_view> payload(const IpmiRequest& request, const IpmiReply& reply,
                                               std::size_t length);
// "node busy (C0)"
[[nodiscard]] std::string words_of(std::uint8_t completion_code);

// Timer use: whose timer it is at present.
inline constexpr std::uint8_t use_os_load = 3, use_sms_os = 4;
inline constexpr std::uint8_t action_none = 0, action_hard_reset = 1;

struct WatchdogTimer {
  std::uint8_t use = 0;     // 1 to 5, 0: none
  std::uint8_t action = 0;  // 0 to 3
  bool running = false;
  std::uint8_t expired = 0;  // bit N: the timer expired with use N, since that bit was cleared
  Seconds seconds = 0;       // what it counts down from, rounded down
  Seconds left = 0;          // until it expires, rounded down
};
[[nodiscard]] IpmiRequest get_watchdog();
[[nodiscard]] Result<WatchdogTimer> parse_watchdog(const IpmiReply& reply);
// Use OS Load, hard reset, all signs of expiry cleared; a timer that runs goes on with the new
// time. `seconds`: 1 to 6553.
[[nodiscard]] IpmiRequest set_os_load_watchdog(Seconds seconds);
// Stops it, with use OS Load, no action; the signs of expiry stay.
[[nodiscard]] IpmiRequest stop_watchdog();
// Starts it, or starts it anew.
[[nodiscard]] IpmiRequest reset_watchdog();
// For replies without data.
[[nodiscard]] Status parse_empty(const IpmiRequest& request, const IpmiReply& reply);

[[nodiscard]] IpmiRequest get_restart_cause();
// The cause, 0 to 15.
[[nodiscard]] Result<std::uint8_t> parse_restart_cause(const IpmiReply& reply);
inline constexpr std::uint8_t restarted_by_watchdog = 4;
// The power came back and the BMC is told to switch the machine on then, always or if it was on.
inline constexpr std::uint8_t started_by_power = 6, started_by_power_as_before = 7;

// --- System event log ---------------------------------------------------------------------------

inline constexpr std::uint16_t first_entry = 0x0000, last_entry = 0xFFFF;
inline constexpr std::uint16_t max_walk = 64;  // entries looked at after an arming

struct LogInfo {
  std::uint16_t entries = 0;
  std::uint32_t newest = 0;  // when the newest was added, by the BMC's clock
  std::uint32_t erased = 0;  // when entries were last erased
  bool overflow = false;     // entries were lost for want of room
};
[[nodiscard]] IpmiRequest get_log_info();
[[nodiscard]] Result<LogInfo> parse_log_info(const IpmiReply& reply);

[[nodiscard]] IpmiRequest get_log_time();
[[nodiscard]] Result<std::uint32_t> parse_log_time(const IpmiReply& reply);

struct LogEntry {
  std::uint16_t id = 0;
  std::uint16_t next = 0;  // last_entry: this was the last
  std::uint32_t time = 0;  // by the BMC's clock, which may have nothing to do with ours
  // Set when it tells of the watchdog (sensor type 23h, asserted): 0 expired, 1 hard reset, 2 power
  // down, 3 power cycle, 8 interrupt.
  std::optional<std::uint8_t> watchdog_event;
};
[[nodiscard]] IpmiRequest get_log_entry(std::uint16_t id);
[[nodiscard]] Result<LogEntry> parse_log_entry(const IpmiReply& reply);

// A system event record (docs/watchdogs.md): from system management software, sensor type "version
// change", "invalid or unsupported software version", asserted; operating system; attempt modulo
// 256.
[[nodiscard]] IpmiRequest add_rollback_entry(std::uint64_t attempt);
// The new entry's id.
[[nodiscard]] Result<std::uint16_t> parse_added_entry(const IpmiReply& reply);

}  // namespace cube::ipmi
