// BootState: what the boot loader will do next, as read back from its own records. Pure values.
#pragma once

#include <optional>

#include "model/slot_id.h"

namespace cube {

struct Trial {
  SlotId slot{};
  int tries_left = 0;  // how often the loader may still start it
  int tries_done = 0;  // how often it has started it

  friend bool operator==(const Trial&, const Trial&) = default;
};

struct BootState {
  SlotId fallback{};            // boots whenever no trial is offered
  std::optional<Trial> trial;   // stays visible after it was spent, until bless or reject
  bool offered = false;         // the one-shot: the next boot is the trial

  friend bool operator==(const BootState&, const BootState&) = default;
};

}  // namespace cube
