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
#include "model/update.h"

namespace cube {

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

enum class Outcome {
  committed,
  rolled_back,
  abandoned,
  rehearsed,  // its trial failed on purpose, and the old release is back
};
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
  std::uint64_t schema = 0;  // of the release
  Rehearsal rehearsal = Rehearsal::none;
  // From the restart into the trial until the old release ran again and knew of it; 0: not known.
  Seconds away = 0;
  std::vector<std::string> waived = {};  // as Update::waived

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
  std::uint64_t schema = 0;       // of the release committed last: who reads the state here
  std::uint64_t hooks_due = 0;    // attempt after which hooks are still to run; 0: none

  friend bool operator==(const Journal&, const Journal&) = default;
};

// Together they keep an encoded journal below 16 KiB (agent/journal_store.h).
inline constexpr std::size_t max_history = 16;
inline constexpr std::size_t max_denied = 24;

[[nodiscard]] bool is_denied(const Journal& journal, const Release& release);

}  // namespace cube
