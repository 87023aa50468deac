// Drift as others ask for it: as a check of health, which tells, and as an examination before a
// trial, which refuses where health.drift requires that there is none.
#pragma once

#include <atomic>

#include "agent/foresight/local_foresight.h"
#include "agent/health/health_gate.h"
#include "slots/ostree/ostree_slot_store.h"

namespace cube {

// Quick, beside what the machine is there for. What cannot be looked at has not passed.
[[nodiscard]] Check drift_check(const RootDir& root, const OstreeSlotStore& slots,
                                const std::atomic<bool>& stop);
// `slots` outlives it. The finding is "drift:running-slot".
[[nodiscard]] Examination drift_examination(const OstreeSlotStore& slots);

}  // namespace cube
