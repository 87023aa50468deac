// Update: one update on its way, and why one ends. Pure values; agent/journal_store.h keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/release.h"
#include "model/slot_id.h"

namespace cube {

// Why an update ended other than by commit. The text form is stable (JSON, history), and so is the
// number (journal): new ones come last. A journal that a newer program wrote may hold a number that
// this one has no name for: "unknown".
enum class Cause : std::uint8_t {
  none,
  panic,            // the trial's kernel left a panic record
  watchdog,         // a watchdog reset the trial
  breadcrumb,       // the trial itself noted that it failed
  overdue,          // back on the fallback, with more time gone than the trial had
  tries_exhausted,  // tries used up without evidence of why
  health,           // a required health check failed
  deadline,         // not healthy in time
  rollback_asked,   // an operator asked
  never_started,    // the loader did not take the offer
  fetch_failed,
  fill_failed,
  arm_failed,
  superseded,  // another release was asked for
  memory_lost, // a trial was running that the journal does not know
  migration,   // a migration hook of the trial failed
  held,        // a hook said no to the restart into a return
  foreseen,    // the release does not suit this machine or breaks a rule, seen before its trial
};
inline constexpr Cause last_cause = Cause::foreseen;
[[nodiscard]] std::string_view to_string(Cause cause);
[[nodiscard]] std::optional<Cause> parse_cause(std::string_view text);

inline constexpr std::size_t max_detail = 200;  // bytes

struct Why {
  Cause cause = Cause::none;
  std::string detail;  // one line for people: the panic line, the failed check; at most max_detail bytes

  friend bool operator==(const Why&, const Why&) = default;
};

// Names of health checks are kept up to these bounds; what is beyond is not excused.
inline constexpr std::size_t max_failed_before = 8;
inline constexpr std::size_t max_check_name = 64;  // bytes

// What the history tells of waivers; how many there were more stands in its last line.
inline constexpr std::size_t max_waived = 4;  // lines of at most max_detail bytes

// A failure that a trial makes on purpose, so that an operator sees the machine come back. Numbers
// and text forms are stable, as a Cause's.
enum class Rehearsal : std::uint8_t {
  none,
  panic,  // its kernel panics
  hang,   // nothing runs any more but what ends it from outside: a watchdog
  sick,   // it comes up, and the health gate says no
};
inline constexpr Rehearsal last_rehearsal = Rehearsal::sick;
[[nodiscard]] std::string_view to_string(Rehearsal rehearsal);
[[nodiscard]] std::optional<Rehearsal> parse_rehearsal(std::string_view text);

// When the trial of a staged update may begin.
enum class Start {
  at_once,
  at_time,    // not before Update::not_before
  in_window,  // in a maintenance window, and not before Update::not_before
};
[[nodiscard]] std::string_view to_string(Start start);

// One update on its way. Everything that the steps need after a restart.
struct Update {
  std::uint64_t attempt = 0;  // counts updates on this machine, from 1
  Release release;
  SlotId target{};
  std::string from_release;      // what ran when it began; "" when unknown
  std::string source;            // URL or folder of the repository
  int tries = 3;                 // how often the trial may be started
  bool unattended = true;        // the agent reboots by itself
  bool returning = false;        // a rollback to an older, already sealed release
  UnixSeconds started = 0;
  Seconds deadline = 900;        // from boot to commit
  int armings = 0;               // how often it was armed, the present one included
  int tries_seen = 0;            // the loader's count when the update was armed, tried or given up
  Start start = Start::at_once;
  UnixSeconds not_before = 0;    // 0: any time
  UnixSeconds left = 0;          // when the agent rebooted into the trial; 0: it did not, or not yet
  std::vector<std::string> failed_before;  // checks of health that failed before it was armed
  std::string held;              // what said no to the restart when it was asked last; "": nothing did
  std::string migrated;          // the migration hook that ended well last, in order of name
  std::string tried_in;          // boot id of the boot that is, or was, the trial; "": not known
  bool carry_etc = false;        // of a return: what was changed in /etc meanwhile goes along
  bool drained = false;          // hooks made the machine ready for the restart
  // Waivers that let it through: "lock:kernel by root until 2026-12-25T00:00:00Z: tested by hand".
  std::vector<std::string> waived;
  // Not none: a return that is to fail. It is never committed, and its release never denied.
  Rehearsal rehearsal = Rehearsal::none;

  friend bool operator==(const Update&, const Update&) = default;
};

}  // namespace cube
