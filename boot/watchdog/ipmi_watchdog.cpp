#include "boot/watchdog/ipmi_watchdog.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "base/clock.h"
#include "base/durable_file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_note_bytes = 4096;
constexpr Seconds driver_is_there_by = 60;  // of uptime
constexpr auto pause = std::chrono::milliseconds(200);
constexpr int rounds_of_patience = 150;

Result<std::uint64_t> number_up_to(const Json& json, const std::string& key, std::uint64_t most) {
  CUBE_TRY(const auto number, json.unsigned_at(key));
  if (number > most) return Error{Errc::corrupt, key + ": too large"};
  return number;
}

bool ours(const ipmi::WatchdogTimer& timer) {
  return timer.running && timer.use == ipmi::use_os_load;
}

// Of the record in the log if there is one, else the time that the timer had.
std::string told(const WatchdogNote& note, const std::optional<ipmi::WatchdogEntry>& entry,
                 const std::string& signs) {
  const Seconds seconds = entry && entry->seconds > 0 ? entry->seconds : note.seconds;
  return "the watchdog reset the machine after " + std::to_string(seconds) + " s (BMC: " + signs +
         ")";
}

}  // namespace

std::string render_note(const WatchdogNote& note) {
  Json::Object object{{"attempt", note.attempt},
                      {"seconds", note.seconds},
                      {"stuck", std::uint64_t{note.stuck}},
                      {"arrived", note.arrived}};
  if (note.log)
    object["log"] = Json(Json::Object{{"last", std::uint64_t{note.log->last}},
                                      {"time", std::uint64_t{note.log->time}}});
  return Json(object).line() + "\n";
}

Result<WatchdogNote> parse_note(std::string_view text) {
  CUBE_TRY(const auto json, Json::parse(text));
  WatchdogNote note;
  CUBE_TRY(note.attempt, json.unsigned_at("attempt"));
  CUBE_TRY(const auto seconds,
           number_up_to(json, "seconds", static_cast<std::uint64_t>(max_watchdog_seconds)));
  note.seconds = static_cast<Seconds>(seconds);
  CUBE_TRY(const auto stuck, number_up_to(json, "stuck", 0xff));
  note.stuck = static_cast<std::uint8_t>(stuck);
  // A note of an earlier version tells nothing of the time.
  note.arrived = true;
  if (json.has("arrived")) {
    CUBE_TRY(const auto arrived, json.member("arrived"));
    CUBE_TRY(note.arrived, arrived.boolean());
  }
  if (!json.has("log")) return note;
  CUBE_TRY(const auto log, json.member("log"));
  CUBE_TRY(const auto last, number_up_to(log, "last", ipmi::last_entry));
  CUBE_TRY(const auto time, number_up_to(log, "time", std::numeric_limits<std::uint32_t>::max()));
  note.log = ipmi::LogPosition{static_cast<std::uint16_t>(last), static_cast<std::uint32_t>(time)};
  return note;
}

Result<ipmi::WatchdogTimer> IpmiWatchdog::timer() const {
  CUBE_TRY(const auto reply, bmc_.ask(ipmi::get_watchdog()));
  return ipmi::parse_watchdog(reply);
}

// Early in a boot the BMC's driver may not be loaded yet, and its timer runs.
Result<ipmi::WatchdogTimer> IpmiWatchdog::awaited_timer() const {
  const SystemClock clock(root_);
  for (int round = 0;; ++round) {
    auto seen = timer();
    const bool absent = !seen && seen.error().code == Errc::not_found;
    if (!absent || round == rounds_of_patience || clock.uptime() > driver_is_there_by) return seen;
    std::this_thread::sleep_for(pause);
  }
}

Status IpmiWatchdog::tell(const IpmiRequest& request) const {
  CUBE_TRY(const auto reply, bmc_.ask(request));
  return ipmi::parse_empty(request, reply);
}

// And reads back that the BMC took it.
Result<ipmi::WatchdogTimer> IpmiWatchdog::set_timer(Seconds seconds) const {
  CUBE_CHECK(tell(ipmi::set_os_load_watchdog(seconds)));
  CUBE_TRY(const auto seen, timer());
  const bool taken = seen.use == ipmi::use_os_load && seen.action == ipmi::action_hard_reset &&
                     seen.seconds == seconds;
  if (!taken) return Error{Errc::corrupt, "BMC: its watchdog keeps other values than were set"};
  return seen;
}

Error IpmiWatchdog::lacking(const Error& why) const {
  return {Errc::cannot_arm,
          "watchdog.policy is \"required\", and the BMC's watchdog cannot be used: " + why.what +
              "; run `cube-update doctor`, or set watchdog.policy to "
              "\"if-present\""};
}

// Sets the timer without starting it: a BMC that answers may still refuse that.
Status IpmiWatchdog::probe() const {
  CUBE_TRY(const auto seen, timer());
  if (seen.running) return ok();
  const auto set = set_timer(allowance());
  return set ? ok() : Status(set.error());
}

Status IpmiWatchdog::demand() {
  if (config_.policy != WatchdogPolicy::required || mutated("watchdog-refusal-ignored"))
    return ok();
  const auto status = probe();
  return status ? ok() : Status(lacking(status.error()));
}

Seconds IpmiWatchdog::allowance() const {
  return config_.seconds > 0 ? config_.seconds : times_.allowance();
}

Status IpmiWatchdog::run_timer(std::uint64_t attempt, Seconds seconds, bool arrived) const {
  CUBE_TRY(const auto set, set_timer(seconds));
  WatchdogNote note{attempt, seconds, set.expired, arrived, std::nullopt};
  // A BMC without a log has a watchdog all the same.
  if (const auto end = ipmi::end_of_log(bmc_)) note.log = *end;
  CUBE_CHECK(root_.make_dirs(state_));
  CUBE_CHECK(replace_file(root_, note_path(), render_note(note), 0600));
  CUBE_CHECK(tell(ipmi::reset_watchdog()));
  CUBE_TRY(const auto seen, timer());
  if (!ours(seen))
    return Error{Errc::corrupt, "BMC: its watchdog does not run though it was started"};
  return ok();
}

Status IpmiWatchdog::start(std::uint64_t attempt) {
  if (config_.policy == WatchdogPolicy::off) return ok();
  const auto status = run_timer(attempt, allowance(), false);
  if (status) return ok();
  // What it did before it failed must not reset the machine behind everybody's back.
  if (const auto stopped = stop(); stopped) CUBE_CHECK(forget());
  if (config_.policy == WatchdogPolicy::required && !mutated("watchdog-refusal-ignored"))
    return lacking(status.error());
  log(status.error().code == Errc::not_found ? Level::info : Level::warning,
      "the trial goes without the BMC's watchdog: " + status.error().what);
  return ok();
}

Status IpmiWatchdog::hold(Seconds seconds) {
  if (!root_.exists(note_path()) || mutated("watchdog-not-held")) return ok();
  CUBE_TRY(const auto seen, awaited_timer());
  if (!ours(seen)) return ok();
  CUBE_TRY(const auto text, root_.read_file(note_path(), max_note_bytes));
  CUBE_TRY(const auto note, parse_note(text));
  // Not when somebody gave it another time meanwhile.
  if (!note.arrived && seen.seconds == note.seconds && seen.left <= seen.seconds)
    if (auto learned = times_.add(seen.seconds - seen.left); !learned)
      log(Level::warning, "how long the restart took is not noted: " + learned.error().what);
  return run_timer(note.attempt, std::min(std::max(seconds, allowance()), max_watchdog_seconds),
                   true);
}

Status IpmiWatchdog::stop() {
  if (!root_.exists(note_path()) || mutated("watchdog-not-disarmed")) return ok();
  CUBE_TRY(const auto before, awaited_timer());
  if (!ours(before)) return ok();
  CUBE_CHECK(tell(ipmi::stop_watchdog()));
  CUBE_TRY(const auto after, timer());
  if (after.running) return Error{Errc::failed, "BMC: its watchdog goes on though it was stopped"};
  return ok();
}

std::optional<WatchdogNote> IpmiWatchdog::note_of(std::uint64_t attempt) const {
  const auto text = root_.read_file(note_path(), max_note_bytes);
  if (!text) return std::nullopt;
  const auto note = parse_note(*text);
  if (!note || (note->attempt != attempt && !mutated("watchdog-of-other-attempt")))
    return std::nullopt;
  return *note;
}

Evidence IpmiWatchdog::evidence(std::uint64_t attempt) const {
  const auto note = note_of(attempt);
  if (!note) return {};
  const auto seen = awaited_timer();
  if (!seen) {
    log(Level::warning,
        "whether the BMC's watchdog reset the trial is unknown: " + seen.error().what);
    return {};
  }
  std::string signs;
  const auto add = [&signs](const std::string& sign) {
    signs += (signs.empty() ? "" : ", ") + sign;
  };
  const auto expired = [&](std::uint8_t use) {
    return ((seen->expired & ~note->stuck) >> use & 1) != 0;
  };
  // The trial's own system may have taken the timer over.
  if (expired(ipmi::use_os_load)) add("its timer \"OS Load\" has expired");
  if (expired(ipmi::use_sms_os)) add("its timer \"SMS/OS\" has expired");
  if (const auto reply = bmc_.ask(ipmi::get_restart_cause()))
    if (const auto cause = ipmi::parse_restart_cause(*reply);
        cause && *cause == ipmi::restarted_by_watchdog)
      add("it calls that the cause of the restart");
  std::optional<ipmi::WatchdogEntry> entry;
  if (note->log)
    if (const auto found = ipmi::watchdog_entry(bmc_, *note->log); found && *found) entry = *found;
  if (entry) add("entry " + std::to_string(entry->id) + " of its event log");
  if (signs.empty()) return {};
  return {Cause::watchdog, told(*note, entry, signs).substr(0, max_detail)};
}

bool IpmiWatchdog::power_was_lost(std::uint64_t attempt) const {
  if (!note_of(attempt) || !awaited_timer()) return false;
  const auto reply = bmc_.ask(ipmi::get_restart_cause());
  if (!reply) return false;
  const auto cause = ipmi::parse_restart_cause(*reply);
  return cause && (*cause == ipmi::started_by_power || *cause == ipmi::started_by_power_as_before);
}

Status IpmiWatchdog::forget() {
  return root_.remove_file(note_path());
}

Status IpmiWatchdog::tell_rollback(std::uint64_t attempt) {
  if (config_.policy == WatchdogPolicy::off) return ok();
  auto reply = bmc_.ask(ipmi::add_rollback_entry(attempt));
  if (!reply && reply.error().code == Errc::not_found) return ok();  // nobody looks from outside
  if (!reply) return std::move(reply).error();
  const auto id = ipmi::parse_added_entry(*reply);
  return id ? ok() : Status(id.error());
}

}  // namespace cube
