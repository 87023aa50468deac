// The agent's facts as JSON (stable names) and as text for people.
#pragma once

#include <optional>
#include <string>

#include "agent/health/health_gate.h"
#include "agent/virtual_boot/virtual_boot.h"
#include "model/started_by.h"
#include "base/json.h"
#include "model/boot_state.h"
#include "model/journal.h"
#include "model/seal.h"

namespace cube::cli {

struct StatusFacts {
  SlotId booted{};
  std::optional<BootState> boot;
  std::string boot_error;  // why there is none
  std::string loader;      // Appliance::loader()
  std::optional<Seal> seal_a, seal_b;
  bool other_slot_in_work = false;  // an update works there, so its seal was not read
  Journal journal;
  std::string hold;  // why a staged update does not begin now; "": it may, or there is none
  Floor floor;  // that counts
  StartedBy started_by = StartedBy::unknown;  // what is known of this boot
  std::optional<Verdict> last_verdict;        // of health, in the last attempt that was asked
  std::optional<VirtualBoot> virtual_boot;    // the last
};

[[nodiscard]] Json::Object status_json(const StatusFacts& facts);
[[nodiscard]] std::string status_text(const StatusFacts& facts);
// Phase, update on its way, last outcome.
[[nodiscard]] Json::Object journal_json(const Journal& journal);
// How an update that rests before its trial is taken up again, a sentence; "" for all others.
[[nodiscard]] std::string way_on(const Phase& phase);
[[nodiscard]] Json::Object attempt_json(const Attempt& attempt);
[[nodiscard]] std::string attempt_text(const Attempt& attempt);

// For a terminal, of bytes that may be anything: printable ASCII, '?' for all else.
[[nodiscard]] std::string printable(std::string text);

}  // namespace cube::cli
