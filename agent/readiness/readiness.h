// Readiness: would an update work on this machine now, and would there be a way back? Judged from
// facts; which deaths of a trial it survives is the other half (boot/watchdog/survival.h). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/signing.h"
#include "model/boot_state.h"
#include "model/journal.h"

namespace cube {

struct ReadinessFacts {
  // The loader's records: what they say, or what is wrong with them.
  std::optional<BootState> records;
  std::string records_trouble;
  SlotId booted{};

  // The slot that does not run.
  std::string other_trouble;                 // why it cannot be looked at; ""
  std::optional<std::string> other_release;  // that its seal names; none: no seal
  std::vector<std::string> other_lacks;      // of the files that start it
  std::optional<Status> other_read_back;     // what reading all of it again gave; none: not asked

  // What is believed, and from where.
  std::string source;                  // the repository's URL; "": none configured
  std::optional<Status> source_asked;  // what asking it gave; none: not asked
  std::string root_trouble;            // why the trusted root that is baked in cannot be used; ""
  std::vector<Signing> signings;       // of the metadata that the source has

  UnixSeconds now = 0;
  UnixSeconds built = 0;  // when the running release was built; 0: unknown

  // The state folder: what is wrong with it, or "". Both slots must find the same one.
  std::string state_trouble;
  std::uint64_t state_free = 0;  // bytes
  // What is not as its release brought it in the slot that runs, in one line; "": nothing. Or why
  // that is not known. nullopt: nobody asked.
  std::optional<Result<std::string>> drift;
  // The last rehearsal that history knows of. nullopt: none.
  std::optional<Attempt> rehearsal;
  // Room for another kernel where the loader reads it. nullopt: the loader reads the slots.
  std::optional<Status> kernel_room;
};

enum class Ready { yes, warning, no, unknown };
[[nodiscard]] std::string_view to_string(Ready ready);

struct ReadinessFinding {
  std::string name;  // stable: "records", "fallback", "way-back", "trusted-root", "source",
                     // "metadata", "clock", "state", "drift", "rehearsal",
                     // "kernel-room"
  std::string what;  // for people
  Ready ready{};
  std::string how;     // what was found
  std::string remedy;  // "" when there is nothing to do
};
// One of each, in this order, but for those that do not apply to this machine.
[[nodiscard]] std::vector<ReadinessFinding> judge_readiness(const ReadinessFacts& facts);

}  // namespace cube
