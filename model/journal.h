// Journal: all that the agent remembers over a reboot. A phase in -ing is an intent, written before
// its effect and repeatable; a phase in -ed is a fact, written after its effect and never redone.
// Pure values; agent/journal_store.h keeps them on disk, docs/protocol.md draws the phases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/release.h"
#include "model/slot_id.h"

namespace cube {

// Why an update ended other than by commit. The text form is stable (JSON, history).
enum class Cause {
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
};
[[nodiscard]] std::string_view to_string(Cause cause);
[[nodiscard]] std::optional<Cause> parse_cause(std::string_view text);

struct Why {
  Cause cause = Cause::none;
  std::string detail;  // one line for people: the panic line, the failed check; at most max_detail bytes

  friend bool operator==(const Why&, const Why&) = default;
};

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
  UnixSeconds left = 0;          // when the agent rebooted into the trial; 0: it did not, or not yet

  friend bool operator==(const Update&, const Update&) = default;
};

struct Idle { friend bool operator==(const Idle&, const Idle&) = default; };
struct Fetching { Update update; friend bool operator==(const Fetching&, const Fetching&) = default; };
struct Fetched { Update update; friend bool operator==(const Fetched&, const Fetched&) = default; };
struct Filling { Update update; friend bool operator==(const Filling&, const Filling&) = default; };
struct Staged { Update update; friend bool operator==(const Staged&, const Staged&) = default; };
struct Arming { Update update; friend bool operator==(const Arming&, const Arming&) = default; };
struct Armed {
  Update update;
  std::string boot_id;  // of the boot that armed: another one means that a reboot came between
  friend bool operator==(const Armed&, const Armed&) = default;
};
struct Trying { Update update; friend bool operator==(const Trying&, const Trying&) = default; };
struct Committing { Update update; friend bool operator==(const Committing&, const Committing&) = default; };
struct RollingBack {
  Update update;
  Why why;
  friend bool operator==(const RollingBack&, const RollingBack&) = default;
};

using Phase = std::variant<Idle, Fetching, Fetched, Filling, Staged, Arming, Armed, Trying,
                           Committing, RollingBack>;
// "idle", "fetching", ... "rolling-back": stable (JSON, docs).
[[nodiscard]] std::string_view name_of(const Phase& phase);
// The update of any phase but Idle.
[[nodiscard]] const Update* update_of(const Phase& phase);

enum class Outcome { committed, rolled_back, abandoned };
[[nodiscard]] std::string_view to_string(Outcome outcome);

// A finished update.
struct Attempt {
  std::uint64_t number = 0;
  std::string release;
  std::string from_release;
  SlotId target{};
  UnixSeconds started = 0;
  UnixSeconds ended = 0;
  int tries_done = 0;  // how often the loader started it
  Outcome outcome{};
  Why why;

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct Denied {
  std::string release;          // name
  std::string manifest_sha256;  // "" when denied by name by an operator
  std::string reason;

  friend bool operator==(const Denied&, const Denied&) = default;
};

// Nothing below it is ever installed again. Rises only with a commit.
struct Floor {
  std::uint64_t epoch = 0;
  std::string release;  // name of the newest release ever committed; "" when none

  friend bool operator==(const Floor&, const Floor&) = default;
};

struct Journal {
  std::uint64_t attempts = 0;     // number of the last update
  Phase phase = Idle{};
  Floor floor;
  std::vector<Denied> denied;     // at most max_denied, oldest go first
  std::vector<Attempt> history;   // newest last; at most max_history

  friend bool operator==(const Journal&, const Journal&) = default;
};

// Together they keep an encoded journal below 16 KiB (agent/journal_store.h).
inline constexpr std::size_t max_history = 16;
inline constexpr std::size_t max_denied = 24;
inline constexpr std::size_t max_detail = 200;

[[nodiscard]] bool is_denied(const Journal& journal, const Release& release);

}  // namespace cube
