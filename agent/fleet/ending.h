// What became of the update that a place at the gate is for, as the journal tells it. Pure.
#pragma once

#include "model/journal.h"

namespace cube::fleet {

// What became of the update that the place is for.
enum class Fate {
  waits,      // it is installed, and its trial has not begun: a place that is held is given back
  under_way,  // it may still restart the machine, or has
  succeeded,  // committed
  failed,     // its trial was given up
  dropped,    // it ended before the machine restarted
};
struct Ending {
  Fate fate = Fate::under_way;
  std::string why;    // of a failure, one line
  std::string stage;  // of a failure, where its trial ended; "": not known
};

// One that the journal does not know any more was dropped.
[[nodiscard]] Ending ending_of(const Journal& journal, std::uint64_t attempt);

}  // namespace cube::fleet
