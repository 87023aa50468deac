#include "model/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::array<std::pair<Cause, std::string_view>, 18> cause_names{{
    {Cause::none, "none"},
    {Cause::panic, "panic"},
    {Cause::watchdog, "watchdog"},
    {Cause::breadcrumb, "breadcrumb"},
    {Cause::overdue, "overdue"},
    {Cause::tries_exhausted, "tries-exhausted"},
    {Cause::health, "health"},
    {Cause::deadline, "deadline"},
    {Cause::rollback_asked, "rollback-asked"},
    {Cause::never_started, "never-started"},
    {Cause::fetch_failed, "fetch-failed"},
    {Cause::fill_failed, "fill-failed"},
    {Cause::arm_failed, "arm-failed"},
    {Cause::superseded, "superseded"},
    {Cause::memory_lost, "memory-lost"},
    {Cause::migration, "migration"},
    {Cause::held, "held"},
    {Cause::foreseen, "foreseen"},
}};

constexpr std::array<std::pair<Start, std::string_view>, 3> start_names{{
    {Start::at_once, "at-once"},
    {Start::at_time, "at-time"},
    {Start::in_window, "in-window"},
}};

constexpr std::array<std::pair<Rehearsal, std::string_view>, 4> rehearsal_names{{
    {Rehearsal::none, "none"},
    {Rehearsal::panic, "panic"},
    {Rehearsal::hang, "hang"},
    {Rehearsal::sick, "sick"},
}};

// Of a value without a name: the first one's.
template <class Names, class Value>
std::string_view name_in(const Names& names, Value value) {
  const auto* found = std::find_if(names.begin(), names.end(),
                                   [&](const auto& entry) { return entry.first == value; });
  return found == names.end() ? names.front().second : found->second;
}

template <class Names>
auto value_in(const Names& names, std::string_view text)
    -> std::optional<decltype(names.front().first)> {
  const auto* found = std::find_if(names.begin(), names.end(),
                                   [&](const auto& entry) { return entry.second == text; });
  if (found == names.end()) return std::nullopt;
  return found->first;
}

struct PhaseName {
  std::string_view operator()(const Idle&) const { return "idle"; }
  std::string_view operator()(const Fetching&) const { return "fetching"; }
  std::string_view operator()(const Fetched&) const { return "fetched"; }
  std::string_view operator()(const Filling&) const { return "filling"; }
  std::string_view operator()(const Staged&) const { return "staged"; }
  std::string_view operator()(const Arming&) const { return "arming"; }
  std::string_view operator()(const Armed&) const { return "armed"; }
  std::string_view operator()(const Trying&) const { return "trying"; }
  std::string_view operator()(const Committing&) const { return "committing"; }
  std::string_view operator()(const RollingBack&) const { return "rolling-back"; }
};

struct PhaseUpdate {
  const Update* operator()(const Idle&) const { return nullptr; }
  template <typename P>
  const Update* operator()(const P& phase) const {
    return &phase.update;
  }
};

}  // namespace

std::string_view to_string(Cause cause) {
  const auto* found = std::find_if(cause_names.begin(), cause_names.end(),
                                   [&](const auto& entry) { return entry.first == cause; });
  return found == cause_names.end() ? "unknown" : found->second;
}

std::optional<Cause> parse_cause(std::string_view text) {
  return value_in(cause_names, text);
}

std::string_view to_string(Rehearsal rehearsal) {
  return name_in(rehearsal_names, rehearsal);
}

std::optional<Rehearsal> parse_rehearsal(std::string_view text) {
  return value_in(rehearsal_names, text);
}

std::string_view name_of(const Phase& phase) {
  return std::visit(PhaseName{}, phase);
}

const Update* update_of(const Phase& phase) {
  return std::visit(PhaseUpdate{}, phase);
}

std::string_view to_string(Start start) {
  return name_in(start_names, start);
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::committed:
      return "committed";
    case Outcome::rolled_back:
      return "rolled-back";
    case Outcome::abandoned:
      return "abandoned";
    case Outcome::rehearsed:
      return "rehearsed";
  }
  return "abandoned";
}

bool is_denied(const Journal& journal, const Release& release) {
  if (mutated("denied-ignored")) return false;
  return std::any_of(journal.denied.begin(), journal.denied.end(), [&](const Denied& denied) {
    if (denied.manifest_sha256.empty()) return denied.release == release.name.text;
    return denied.manifest_sha256 == release.manifest_sha256;
  });
}

}  // namespace cube
