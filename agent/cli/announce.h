// Tells that an update was rolled back to those who did not ask: on the console, to who logs in,
// and in the system's journal.
#pragma once

#include <string>
#include <vector>

#include "agent/appliance.h"
#include "agent/cli/last_words.h"

namespace cube::cli {

// After what a boot had to settle is settled. `before`: the journal when it began. Until a later
// update is committed, run/motd.d/cube-update tells of a rollback; in the boot that settled it the
// console and the journal get it, too. What cannot be told is only logged: the system is more
// important.
void announce(const Appliance& appliance, const Journal& before, const Journal& after);

// The same facts as structured fields of the journal, "NAME=value" each; one MESSAGE_ID for all
// rollbacks. docs/operations.md lists them.
[[nodiscard]] std::vector<std::string> journal_fields(const LastWords& words);
// A few lines for who logs in.
[[nodiscard]] std::string message_of_the_day(const LastWords& words);

// What is known of an attempt: its records, or else the journal's word.
// Errors: failed.
[[nodiscard]] Result<LastWords> last_words_of(const Appliance& appliance, const Attempt& attempt);

}  // namespace cube::cli
