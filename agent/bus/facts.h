// Facts: what the service tells of the machine as properties, read from `cube-update status
// --json`. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/progress.h"

namespace cube {

struct Facts {
  struct Slot {
    std::string sealed = "unknown";  // "yes", "no"; "unknown" while an update works there
    std::string release;
    std::uint64_t epoch = 0;
    friend bool operator==(const Slot&, const Slot&) = default;
  };
  struct Trial {
    std::string slot;
    std::uint64_t tries_left = 0, tries_done = 0;
    bool offered = false;
    friend bool operator==(const Trial&, const Trial&) = default;
  };
  struct Outcome {
    std::uint64_t attempt = 0;
    std::string release, outcome, cause, detail, ended;
    friend bool operator==(const Outcome&, const Outcome&) = default;
  };

  std::string problem;  // why nothing else is known, one line; "": it is
  std::string phase;
  std::string update;            // release on its way; "" when idle
  std::string waits;             // why a staged update does not start now; ""
  std::string booted, fallback;  // "a", "b"; "" when not known
  std::string boot_records;      // "ok", or what is wrong with them
  Slot a, b;
  std::optional<Trial> trial;
  std::optional<Outcome> last_outcome;

  friend bool operator==(const Facts&, const Facts&) = default;
};

// Missing or strange members are left at their defaults; not an object at all is a problem.
[[nodiscard]] Facts facts_of(const Json& status);
[[nodiscard]] Facts unknown_facts(const std::string& problem);

// As RAUC counts it: 0 to 100; 0 while the whole is not known.
[[nodiscard]] std::int32_t percent(const Progress& progress);

}  // namespace cube
