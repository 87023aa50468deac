// Machine: everything outside that the updater touches, as ports. The command line fills it with the
// real adapters, tests with scratch ones (tests/support): this struct is the only seam.
#pragma once

#include "agent/foresight/foresight.h"
#include "agent/health/health_gate.h"
#include "agent/hooks/update_hooks.h"
#include "agent/journal_store.h"
#include "agent/power/rebooter.h"
#include "agent/power/sessions.h"
#include "agent/rehearsal/deliberate_failure.h"
#include "agent/release_source.h"
#include "agent/running_boot.h"
#include "agent/start_gate.h"
#include "base/clock.h"
#include "boot/boot_control.h"
#include "boot/postmortem/post_mortem.h"
#include "boot/watchdog/boot_watchdog.h"
#include "slots/slot_store.h"

namespace cube {

struct Machine {
  BootControl& boot;
  SlotStore& slots;
  ReleaseSource& source;
  StartGate& gate;
  Foresight& foresight;
  HealthGate& health;
  UpdateHooks& hooks;
  Sessions& sessions;
  PostMortem& post_mortem;
  Rebooter& rebooter;
  RunningBoot& running;
  Clock& clock;
  JournalStore& journal;
  BootWatchdog& watchdog;
  DeliberateFailure& failure;
};

}  // namespace cube
