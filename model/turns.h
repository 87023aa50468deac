// Steps that several phases of decide() take alike, and one turn for each phase. Only model/
// includes it; pure.
#pragma once

#include <string>

#include "model/decide.h"

namespace cube {

[[nodiscard]] Step record(Journal journal, Phase phase);
[[nodiscard]] Step fail(Errc code, std::string what);
[[nodiscard]] Step fail_bad_records(const World& world);

// With the loader's count of the trial, which bless and reject clear.
[[nodiscard]] Update counted(Update update, const World& world);

// The journal after an update: idle, one line of history more.
[[nodiscard]] Step finish(Journal journal, const World& world, const Update& update,
                          Outcome outcome, Why why);
[[nodiscard]] Step abandon(const Journal& journal, const World& world, const Update& update,
                           Cause cause);
[[nodiscard]] Step begin_rolling_back(const Journal& journal, const World& world,
                                      const Update& update, Cause cause, std::string detail);
[[nodiscard]] Step arm_again(const Journal& journal, const World& world, Update update);

// At most max_detail bytes.
[[nodiscard]] std::string cut_detail(const std::string& text);

// Somebody wishes that a release be installed, or at least downloaded.
[[nodiscard]] bool wants_release(const World& world);
[[nodiscard]] bool running(const World& world, const Update& update);

// "kexec" or "a soft reboot" where that is known; "": the firmware started it, or nobody knows.
[[nodiscard]] std::string not_by_firmware(const World& world);

// Before the trial: model/preparation.cpp.
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Fetching& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Fetched& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Filling& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Staged& phase);
// The trial: model/trial.cpp.
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Arming& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Armed& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Trying& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const Committing& phase);
[[nodiscard]] Step turn(const Journal& journal, const World& world, const RollingBack& phase);

}  // namespace cube
