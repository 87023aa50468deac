// decide(): the whole protocol of an update as one pure function. No I/O, no clock, no exceptions.
//
// The updater (agent/updater.h) is a loop: look at the world, decide, do one step, look again. A
// reboot or a power cut is only a long pause between two turns, so start-up is recovery. The table
// is in docs/protocol.md; tests/unit/power_cut_sweep_test.cpp cuts the power around every effect.
#pragma once

#include <string>
#include <variant>

#include "model/journal.h"
#include "model/world.h"

namespace cube {

namespace step {
struct Record { Journal journal; };            // write this journal
struct Fetch {};                               // learn the release in full, verified
struct Stage { SlotId slot{}; };               // download ahead what fill() would
struct Reject { SlotId slot{}; };              // boot: end any trial of the slot
struct Unseal { SlotId slot{}; };
struct Fill { SlotId slot{}; };
struct Verify { SlotId slot{}; };
struct LookAhead {};                           // does the release suit this machine, by its rules?
struct WriteSeal { SlotId slot{}; };
struct Arm { SlotId slot{}; int tries = 0; };  // old panic records are set aside first
struct Reboot {};
struct CheckHealth {};
struct AskHealth {};                           // which checks fail already, before the update
struct PrepareRestart {};                      // hooks before the restart; people are warned
struct Migrate { std::string hook; };          // one hook of the trial, with the old slot at hand
struct RunHooks {};                            // green or red: the update has come to its end
struct FailOnPurpose { Rehearsal how{}; };     // the rehearsed failure; does not return
struct Bless { SlotId slot{}; };
struct KeepEvidence {};                        // store what the dead kernel left; erase it there
struct Rest { std::string because; };          // nothing more to do in this run; "": as ever
struct Fail { Error error; };                  // stop and tell
}  // namespace step

using Step = std::variant<step::Record, step::Fetch, step::Stage, step::Reject, step::Unseal, step::Fill,
                          step::Verify, step::LookAhead, step::WriteSeal, step::Arm, step::Reboot,
                          step::CheckHealth, step::AskHealth, step::PrepareRestart, step::Migrate,
                          step::RunHooks, step::FailOnPurpose, step::Bless, step::KeepEvidence, step::Rest, step::Fail>;

[[nodiscard]] Step decide(const Journal& journal, const World& world);

}  // namespace cube
