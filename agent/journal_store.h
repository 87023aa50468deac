// JournalStore: the port to the agent's memory.
#pragma once

#include "base/result.h"
#include "model/journal.h"

namespace cube {

class JournalStore {
 public:
  virtual ~JournalStore() = default;
  // The newest journal that was saved whole; a new one when there is none yet.
  // Errors: corrupt (something is there, but no copy can be read), failed.
  [[nodiscard]] virtual Result<Journal> load() const = 0;
  // Durable when it returns ok; a cut leaves this journal or the one before. Errors: no_space, failed.
  virtual Status save(const Journal& journal) = 0;
};

}  // namespace cube
