#include "agent/fleet/ending.h"

namespace cube::fleet {
namespace {

Fate fate_of(const Phase& phase) {
  if (std::holds_alternative<Staged>(phase)) return Fate::waits;
  const bool prepares = std::holds_alternative<Fetching>(phase) ||
                        std::holds_alternative<Fetched>(phase) ||
                        std::holds_alternative<Filling>(phase);
  return prepares ? Fate::dropped : Fate::under_way;
}

Fate fate_of(Outcome outcome) {
  if (outcome == Outcome::committed) return Fate::succeeded;
  return outcome == Outcome::rolled_back ? Fate::failed : Fate::dropped;
}

}  // namespace

Ending ending_of(const Journal& journal, std::uint64_t attempt) {
  const Update* update = update_of(journal.phase);
  if (update != nullptr && update->attempt == attempt) return {fate_of(journal.phase), "", ""};
  for (const auto& one : journal.history) {
    if (one.number != attempt) continue;
    std::string why(to_string(one.why.cause));
    if (!one.why.detail.empty()) why += ": " + one.why.detail;
    return {fate_of(one.outcome), std::move(why), ""};
  }
  return {Fate::dropped, "", ""};
}

}  // namespace cube::fleet
