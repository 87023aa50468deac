#include "boot/watchdog/ipmi_messages.h"

#include <cstdio>

#include "base/mutation.h"

namespace cube::ipmi {
namespace {

constexpr std::uint8_t netfn_chassis = 0x00, netfn_app = 0x06, netfn_storage = 0x0a;
constexpr std::uint8_t dont_stop = 0x40, timer_runs = 0x40;
constexpr std::uint8_t all_uses = 0x3e;  // bits 1 to 5
constexpr std::size_t record_bytes = 16;
constexpr std::uint8_t system_event = 0x02, sensor_watchdog = 0x23, sensor_specific = 0x6f;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// Least significant byte first, as all of IPMI.
std::uint16_t word_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) | byte_at(bytes, at + 1) << 8);
}
std::uint32_t time_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(word_at(bytes, at)) |
         static_cast<std::uint32_t>(word_at(bytes, at + 2)) << 16;
}

std::string bytes_of(std::initializer_list<unsigned> values) {
  std::string bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<char>(value & 0xff));
  return bytes;
}

std::string name_of(const IpmiRequest& request) {
  char text[32];
  std::snprintf(text, sizeof text, "command %02X %02X", request.netfn, request.command);
  return text;
}

}  // namespace

std::string words_of(std::uint8_t completion_code) {
  struct Known {
    std::uint8_t code;
    const char* words;
  };
  // 5.2, and what 27.5 and 31.6 add.
  static constexpr Known known[] = {
      {0x80, "timer not initialised, or log being erased"},
      {0xc0, "node busy"},
      {0xc1, "invalid command"},
      {0xc2, "invalid command for this LUN"},
      {0xc3, "timeout"},
      {0xc4, "out of space"},
      {0xc5, "reservation cancelled"},
      {0xc6, "request truncated"},
      {0xc7, "wrong length of request"},
      {0xc9, "parameter out of range"},
      {0xcb, "not present"},
      {0xcc, "invalid data in request"},
      {0xcd, "not for this sensor or record"},
      {0xd3, "destination unavailable"},
      {0xd4, "not permitted"},
      {0xd5, "not supported in this state"},
      {0xff, "unspecified error"},
  };
  char code[8];
  std::snprintf(code, sizeof code, " (%02X)", completion_code);
  for (const auto& one : known)
    if (one.code == completion_code) return one.words + std::string(code);
  return std::string("unknown completion code") + code;
}

Result<std::string_view> payload(const IpmiRequest& request, const IpmiReply& reply,
                                 std::size_t length) {
  const bool ours = reply.netfn == (request.netfn | 1) && reply.command == request.command;
  if (!ours && !mutated("ipmi-reply-not-checked"))
    return Error{Errc::corrupt,
                 "BMC: the answer to " + name_of(request) + " is of another command"};
  if (reply.data.empty())
    return Error{Errc::corrupt, "BMC: the answer to " + name_of(request) + " is empty"};
  const std::uint8_t code = byte_at(reply.data, 0);
  if (code != 0)
    return Error{Errc::refused, "BMC: " + name_of(request) + " is refused: " + words_of(code)};
  if (reply.data.size() != length + 1)
    return Error{Errc::corrupt, "BMC: the answer to " + name_of(request) + " has " +
                                    std::to_string(reply.data.size() - 1) + " bytes instead of " +
                                    std::to_string(length)};
  return std::string_view(reply.data).substr(1);
}

Status parse_empty(const IpmiRequest& request, const IpmiReply& reply) {
  const auto nothing = payload(request, reply, 0);
  return nothing ? ok() : Status(nothing.error());
}

// --- Watchdog -----------------------------------------------------------------------------------

IpmiRequest get_watchdog() {
  return {netfn_app, 0x25, ""};
}
IpmiRequest reset_watchdog() {
  return {netfn_app, 0x22, ""};
}

IpmiRequest set_os_load_watchdog(Seconds seconds) {
  const auto tenths = static_cast<unsigned>(seconds * 10);
  const unsigned cleared = mutated("expiry-flags-not-cleared") ? 0 : all_uses;
  return {netfn_app, 0x24,
          bytes_of({dont_stop | use_os_load, action_hard_reset, 0, cleared, tenths, tenths >> 8})};
}

IpmiRequest stop_watchdog() {
  return {netfn_app, 0x24, bytes_of({use_os_load, action_none, 0, 0, 0xff, 0xff})};
}

Result<WatchdogTimer> parse_watchdog(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(get_watchdog(), reply, 8));
  WatchdogTimer timer;
  timer.use = byte_at(data, 0) & 0x07;
  timer.running = (byte_at(data, 0) & timer_runs) != 0;
  timer.action = byte_at(data, 1) & 0x07;
  timer.expired = byte_at(data, 3) & all_uses;
  timer.seconds = word_at(data, 4) / 10;
  timer.left = word_at(data, 6) / 10;
  return timer;
}

IpmiRequest get_restart_cause() {
  return {netfn_chassis, 0x07, ""};
}

Result<std::uint8_t> parse_restart_cause(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(get_restart_cause(), reply, 2));
  return static_cast<std::uint8_t>(byte_at(data, 0) & 0x0f);
}

// --- System event log ---------------------------------------------------------------------------

IpmiRequest get_log_info() {
  return {netfn_storage, 0x40, ""};
}

Result<LogInfo> parse_log_info(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(get_log_info(), reply, 14));
  return LogInfo{word_at(data, 1), time_at(data, 5), time_at(data, 9),
                 (byte_at(data, 13) & 0x80) != 0};
}

IpmiRequest get_log_time() {
  return {netfn_storage, 0x48, ""};
}

Result<std::uint32_t> parse_log_time(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(get_log_time(), reply, 4));
  return time_at(data, 0);
}

IpmiRequest get_log_entry(std::uint16_t id) {
  constexpr unsigned whole_record = 0xff;
  return {netfn_storage, 0x43,
          bytes_of({0, 0, id, static_cast<unsigned>(id >> 8), 0, whole_record})};
}

Result<LogEntry> parse_log_entry(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(get_log_entry(first_entry), reply, 2 + record_bytes));
  const std::string_view record = data.substr(2);
  LogEntry entry;
  entry.next = word_at(data, 0);
  entry.id = word_at(record, 0);
  if (entry.id == first_entry || entry.id == last_entry)
    return Error{Errc::corrupt, "BMC: an entry of its event log has no number"};
  if (byte_at(record, 2) != system_event) return entry;
  entry.time = time_at(record, 3);
  const bool asserted = byte_at(record, 12) == sensor_specific;  // bit 7: deasserted
  if (byte_at(record, 10) == sensor_watchdog && asserted)
    entry.watchdog_event = static_cast<std::uint8_t>(byte_at(record, 13) & 0x0f);
  return entry;
}

IpmiRequest add_rollback_entry(std::uint64_t attempt) {
  constexpr unsigned software_id = 0x20 << 1 | 1;  // system management software
  constexpr unsigned revision = 0x04, version_change = 0x2b, number = 0x01;
  constexpr unsigned unsupported_version = 0x05, operating_system = 0x0b;
  constexpr unsigned second_byte_extends = 0xc0, third_byte_is_ours = 0x20;
  return {
      netfn_storage, 0x44,
      bytes_of({0, 0, system_event, 0, 0, 0, 0, software_id, 0, revision, version_change, number,
                sensor_specific, second_byte_extends | third_byte_is_ours | unsupported_version,
                operating_system, static_cast<unsigned>(attempt & 0xff)})};
}

Result<std::uint16_t> parse_added_entry(const IpmiReply& reply) {
  CUBE_TRY(const auto data, payload(add_rollback_entry(0), reply, 2));
  return word_at(data, 0);
}

}  // namespace cube::ipmi
